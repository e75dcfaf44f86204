"""``pixr treasury init``: the reserve's accounts on chain, and in the database who holds it.

A database that was restored to an older point may not know of the reserve, or of its newest
members. Then --reserve names the account, and the chain says whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from typer import Option

from pixr.adapters.postgres import reserve
from pixr.adapters.postgres.reserve import Group
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import building, desk
from pixr.ops.reserving.desk import Desk, differences


def command(
    *,
    member: Annotated[
        list[str], Option("--member", help="The address of a member's key; three times.")
    ],
    existing: Annotated[
        str | None,
        Option(
            "--reserve", help="A reserve on chain that this database does not know, or no more."
        ),
    ] = None,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: the reserve stands. 2: it could not be made. Saying it again goes on."""
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        paying = open_desk.payer(payer)
        group = reserve.in_state(open_desk.db, "LIVE")
        if existing is not None:
            _refuse_second(open_desk, group, existing)
            building.check(open_desk, member, payer=paying.address)
            group = _found(open_desk, existing, member)
        elif group is None:
            building.check(open_desk, member, payer=paying.address)
            group, seed = building.plan(open_desk, member, payer=paying.address)
            building.build(open_desk, group, seed, payer=paying)
        elif set(group.members) != set(member):
            raise LocalError(
                f"There is a reserve of other members already: {group.multisig}.",
                mend="Change them with `pixr treasury rotate`.",
            )
        building.refuse_different(group, open_desk.look(group))
        building.nonce(open_desk, payer=paying)
        reserve.make_live(open_desk.db, group.multisig, actor=open_desk.actor, now=open_desk.now)
        print(_said(group, open_desk.treasury))


def _refuse_second(open_desk: Desk, live: Group | None, existing: str) -> None:
    """Keep a reserve that stands: once it has retired here, no word of ours moves it again.

    Raises:
        LocalError: The chain has the known reserve just as it is remembered.
    """
    if live is None or live.token_account == existing:
        return
    if not differences(live, open_desk.look(live)):
        raise LocalError(
            f"The reserve is {live.token_account}, and the chain says so, too.",
            mend="Change its members with `pixr treasury rotate`; there is one reserve.",
        )


def _found(open_desk: Desk, account: str, members: Sequence[str]) -> Group:
    """Write down a group that holds a reserve on chain already.

    Raises:
        LocalError: It is no reserve, or those are not its members.
    """
    try:
        group = building.found(open_desk, account, members)
    except ValueError as error:
        raise LocalError(
            f"{account[:64]} {error}.", mend="Name the reserve, and the members who hold it."
        ) from error
    reserve.plan(open_desk.db, group, actor=open_desk.actor, now=open_desk.now)
    return group


def _said(group: Group, treasury: str) -> str:
    members = "\n".join(f"  {member}" for member in group.members)
    return f"""The reserve stands. The members need these addresses on paper.
  reserve (wrapped SOL)  {group.token_account}
  multisig               {group.multisig}
  hot treasury           {treasury}
{group.threshold} of these {len(group.members)} must sign:
{members}
Fund it with `pixr treasury fund --sol N --payer FILE`, or send wrapped SOL to the reserve."""
