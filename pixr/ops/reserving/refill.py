"""``pixr treasury refill``: the hot treasury takes what it is allowed, alone, as plain SOL.

One transaction, which --payer pays for and the treasury's key only signs as the delegate. What
arrives is a deposit like any other: the settler's next walk books it.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Annotated

from typer import Option

from functions.settings import BadSettings, TreasurySettings
from pixr.adapters.keys import AnySigner, KeysUnreachable, load_treasury
from pixr.adapters.postgres import audit, refills
from pixr.domain.money import format_sol
from pixr.domain.reserve import Holding
from pixr.local.errors import LocalError
from pixr.local.home import Home
from pixr.ops import places
from pixr.ops.places import Places
from pixr.ops.reserving import building, desk, making
from pixr.ops.reserving.desk import Desk, Seen
from pixr.ops.reserving.fund import lamports_of
from pixr.ops.reserving.sending import pay
from pixr.ops.reserving.status import float_lamports


def command(
    *,
    sol: Annotated[
        str | None, Option(help="How much; by default what is missing to the float.")
    ] = None,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: it is on the treasury, finalized. 2: nothing was moved, or it is not known."""
    wanted = None if sol is None else lamports_of(sol)
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        group = open_desk.live()
        seen = open_desk.look(group)
        building.refuse_different(group, seen)
        holding = seen.holding
        assert holding is not None
        lamports = _missing(open_desk, seen) if wanted is None else wanted
        _refuse_more_than_allowed(lamports, holding, open_desk.treasury)
        paying = open_desk.payer(payer)
        with _told():
            hot = treasury_key(open_desk.places)
            if hot.address != open_desk.treasury:
                raise LocalError(
                    f"The treasury's key is that of {hot.address}, the treasury is"
                    f" {open_desk.treasury}.",
                    mend="Set TREASURY_PRIVATE_KEY_ARN.",
                )
            steps = making.move(
                paying.address,
                group.token_account,
                hot.address,
                (),
                lamports=lamports,
                destination=hot.address,
            )
            # Before it is sent: nobody may take without a line that says who.
            told = {"lamports": str(lamports)}
            _write_down(open_desk, "reserve.refill-begun", group.token_account, told)
            done = pay(open_desk.chain, steps, payer=paying, others=(hot,))
        told = {**told, "signature": done.signature}
        _write_down(open_desk, "reserve.refilled", group.token_account, told)
        print(f"{format_sol(lamports)} SOL came to the hot treasury: {done.signature}")
        print(f"It may still take {format_sol(holding.allowance_lamports - lamports)} SOL.")
        print("The settler's next tick books it as a deposit.")


def _write_down(open_desk: Desk, action: str, subject: str, detail: Mapping[str, str]) -> None:
    with open_desk.db.transaction():
        audit.append(
            open_desk.db,
            at=open_desk.now,
            actor=open_desk.actor,
            action=action,
            subject=subject,
            detail=detail,
        )


def _missing(open_desk: Desk, seen: Seen) -> int:
    request = refills.read(open_desk.db)
    wanted = float_lamports() or (0 if request is None else request.float_lamports)
    missing = wanted - seen.treasury_lamports
    if missing <= 0:
        raise LocalError(
            f"The treasury holds {format_sol(seen.treasury_lamports)} SOL, and no float that it"
            " is below is known.",
            mend="Say how much with --sol, or set HOT_FLOAT_LAMPORTS.",
        )
    return missing


def _refuse_more_than_allowed(lamports: int, holding: Holding, treasury: str) -> None:
    allowed = holding.allowance_lamports if holding.delegate == treasury else 0
    if lamports > allowed:
        raise LocalError(
            f"The treasury may take {format_sol(allowed)} SOL ({allowed} lamports), less than"
            f" {format_sol(lamports)}.",
            mend="Take less with --sol, or let two members sign: `pixr treasury propose allow`.",
        )
    if lamports > holding.lamports:
        raise LocalError(
            f"The reserve holds {format_sol(holding.lamports)} SOL, less than"
            f" {format_sol(lamports)}.",
            mend="Fund it: `pixr treasury fund`.",
        )


def treasury_key(where: Places) -> AnySigner:
    """The key that pays: of the machine, or as the environment names it for the settler."""
    if any(os.environ.get(name) for name in ("TREASURY_PRIVATE_KEY", "TREASURY_PRIVATE_KEY_ARN")):
        try:
            return load_treasury(TreasurySettings.read(os.environ).treasury_private_key_at)
        except BadSettings as error:
            raise LocalError(f"{error}.", mend="Set TREASURY_PRIVATE_KEY_ARN.") from error
    if where.home is not None:
        return load_treasury(Home(path=where.home).treasury_key())
    raise LocalError(
        "Nothing names the treasury's key.",
        mend="Set TREASURY_PRIVATE_KEY_ARN, or name a machine with --data.",
    )


@contextmanager
def _told() -> Generator[None]:
    """Tell an operator in one line that the key does not answer."""
    try:
        yield
    except KeysUnreachable as error:
        raise LocalError(
            f"The treasury's key cannot be used ({error}).", mend="Mend access to it."
        ) from error
