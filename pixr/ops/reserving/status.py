"""``pixr treasury status``: what there is, hot and cold, and what is not as it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime

from typer import Exit

from pixr.adapters.postgres import proposals, refills, reserve
from pixr.adapters.postgres.reserve import Group
from pixr.domain.money import format_sol
from pixr.domain.reserve import read_nonce
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import desk
from pixr.ops.reserving.desk import Desk, Seen, differences, members_of

WRONG = 1


def command(
    *,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: all is as it should be. 1: something is wrong. 2: it could not be looked at."""
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor="status") as open_desk:
        group = reserve.in_state(open_desk.db, "LIVE")
        if group is None:
            print("There is no reserve yet. Make one: `pixr treasury init`.")
            raise Exit(WRONG)
        seen = open_desk.look(group)
        wrong = [*differences(group, seen), *_wrong(open_desk, seen)]
        print("\n".join(_lines(open_desk, group, seen)))
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    if wrong:
        raise Exit(WRONG)


def float_lamports(environ: Mapping[str, str] = os.environ) -> int:
    """The float that the environment names, as it does for the settler; 0: none.

    Raises:
        LocalError: It is no number.
    """
    text = environ.get("HOT_FLOAT_LAMPORTS", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 -- 63 bits
        raise LocalError("HOT_FLOAT_LAMPORTS is malformed.", mend="It is a whole number.")
    return int(text)


def _lines(open_desk: Desk, group: Group, seen: Seen) -> Iterator[str]:
    yield f"hot treasury  {open_desk.treasury}  {format_sol(seen.treasury_lamports)} SOL"
    wanted = float_lamports()
    yield f"  float  {f'{format_sol(wanted)} SOL' if wanted else 'none named here'}"
    if (request := refills.read(open_desk.db)) is not None:
        yield (
            f"  asked for a refill at {_when(request.opened_at)}: it held"
            f" {format_sol(request.balance_lamports)} of {format_sol(request.float_lamports)} SOL"
        )
    holding = seen.holding
    held = "?" if holding is None else format_sol(holding.lamports)
    yield f"reserve       {group.token_account}  {held} SOL"
    if holding is not None and holding.delegate is not None:
        yield f"  {holding.delegate} may take {format_sol(holding.allowance_lamports)} SOL of it"
    else:
        yield "  nobody may take any of it without the members"
    threshold = "?" if seen.members is None else str(seen.members.threshold)
    yield f"multisig      {group.multisig}  {threshold} of"
    yield from (f"  {member}" for member in (seen.members.addresses if seen.members else ()))
    if (heirs := reserve.in_state(open_desk.db, "PLANNED")) is not None:
        yield from _planned(open_desk, heirs)
    yield from _open_proposals(open_desk)


def _planned(open_desk: Desk, heirs: Group) -> Iterator[str]:
    """Who is to follow, as the chain has it: the only place where members can look it up."""
    stands = members_of(open_desk.chain.contents([heirs.multisig])[0])
    if stands is None:
        yield f"planned       {heirs.multisig}  does not stand yet: say the same again"
        return
    yield f"planned       {heirs.multisig}  {stands.threshold} of, once it is handed over"
    yield from (f"  {member}" for member in stands.addresses)


def _open_proposals(open_desk: Desk) -> Iterator[str]:
    """Those whose nonce is still on chain: each can land, and ends the others of its nonce."""
    unsent = proposals.unsent(open_desk.db)
    addresses = sorted({item.nonce_account for item in unsent})
    found = dict(zip(addresses, open_desk.chain.contents(addresses), strict=True))
    for item in unsent:
        account = found[item.nonce_account]
        nonce = None if account is None else read_nonce(account.owner, account.data)
        if nonce is not None and nonce.value == item.nonce:
            yield f"proposed      {_when(item.proposed_at)} by {item.proposed_by}: {item.deed}"


def _wrong(open_desk: Desk, seen: Seen) -> Iterator[str]:
    wanted = float_lamports()
    if seen.treasury_lamports < wanted:
        yield (
            f"the hot treasury is {format_sol(wanted - seen.treasury_lamports)} SOL below its"
            " float: `pixr treasury refill`"
        )
    elif refills.read(open_desk.db) is not None:
        yield "a refill is asked for: `pixr treasury refill`"
    holding = seen.holding
    if holding is not None and holding.delegate not in (None, open_desk.treasury):
        yield (
            f"{holding.delegate} MAY TAKE {format_sol(holding.allowance_lamports)} SOL and is not"
            " the hot treasury: `pixr treasury propose revoke`"
        )


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
