"""``pixr treasury rotate``: other members for the same reserve.

A multisig's members can never change. So another is made, and two of the old members sign that
the reserve is its own from then on. The hot treasury's allowance ends with that.
"""

from __future__ import annotations

from typing import Annotated

from typer import Option

from pixr.domain.proposals import HandOver
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import building, desk, paper
from pixr.ops.reserving.propose import By, Out, signers_of, write


def command(
    *,
    member: Annotated[
        list[str], Option("--member", help="The address of a new member's key; three times.")
    ],
    by: By = None,
    out: Out,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: the file is written, and the old members still hold it. 2: it cannot be."""
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        group = open_desk.live()
        building.refuse_different(group, open_desk.look(group))
        if set(member) == set(group.members):
            raise LocalError("These are the members already.", mend="Name others.")
        paying = open_desk.payer(payer)
        signers_of(group, by)
        paper.refuse_taken(out)
        building.check(open_desk, member, payer=paying.address)
        heirs, seed = building.plan(
            open_desk, member, payer=paying.address, token_account=group.token_account
        )
        building.build(open_desk, heirs, seed, payer=paying)
        write(
            open_desk,
            group,
            HandOver(new_multisig=heirs.multisig),
            by=by,
            payer=paying,
            out=out,
        )
