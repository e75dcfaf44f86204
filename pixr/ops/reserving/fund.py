"""``pixr treasury fund``: SOL of the payer's becomes wrapped SOL of the reserve."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from pixr.domain.errors import Malformed
from pixr.domain.money import format_sol, parse_sol
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import building, desk, making
from pixr.ops.reserving.sending import pay

Sol = Annotated[str, Option(help="How much, such as 12.5.")]


def command(
    *,
    sol: Sol,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: it is in the reserve, finalized. 2: it could not be put there."""
    lamports = lamports_of(sol)
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        group = open_desk.live()
        building.refuse_different(group, open_desk.look(group))
        paying = open_desk.payer(payer)
        steps = making.fund(paying.address, group.token_account, lamports)
        done = pay(open_desk.chain, steps, payer=paying, others=())
        held = open_desk.look(group).holding
        assert held is not None
        print(f"{format_sol(lamports)} SOL went into the reserve: {done.signature}")
        print(f"It holds {format_sol(held.lamports)} SOL.")


def lamports_of(sol: str) -> int:
    """Read an amount that somebody typed.

    Raises:
        LocalError: It is none.
    """
    try:
        return parse_sol(sol)
    except Malformed as error:
        raise LocalError(f"--sol {error.rule}.", mend="Such as 12.5.") from error
