"""Notice money that left and the books do not know of: a restored database, or a stolen key.

    walk       every transaction of treasury and escrow that the database has never heard of
    compare    what the treasury holds on chain, against the least that the books allow for

Either of them pauses settlement: a database that forgot its payments would make them again,
in new batches with new receipts. Neither relies on the other. A list may lack what is newest,
or end before the gap; a balance may be filled up by dust.

A healthy system is never stopped. What is signed and not decided may have landed or not, so
all of it is taken off. A node that lags shows less where money has come in since, so only a
balance counts that is as young as the books; and one that shows less than there is, alone of
several, is not believed. A payment takes at least the rent of its receipt, so whatever is less
than that is somebody's fee.
"""

from collections.abc import Mapping
from datetime import datetime

from functions.batch.world import Report, World
from functions.deposits import UnknownPayment, look_again, walk
from pixr.adapters.postgres import house, pauses
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import quorum

CAUSE = "the database was restored to an older point (pixr recover), or somebody else has the key"


def look_out(world: World, addresses: Mapping[str, str], report: Report, *, now: datetime) -> None:
    """Post what came in, and pause when more went out than the database knows.

    Args:
        world: Its chain is asked, its database paused.
        addresses: Account → address of treasury and escrow.
        report: Told what came, what is missing, and what could not be seen.
        now: The time.

    Raises:
        ChainUnreachable: No node answered; nothing may be signed.
    """
    report.unseen.clear()
    try:
        for account, address in addresses.items():
            walked = walk(world.db, world.chain, account=account, address=address, now=now)
            report.deposited_lamports += walked.lamports
            if walked.unseen is not None:
                report.unseen.append(walked.unseen)
    except UnknownPayment as payment:
        _pause(world, payment, now=now)
    report.missing_lamports = _missing(world, addresses["treasury"], report)
    if report.missing_lamports is None:
        report.unseen.append("treasury: too few nodes tell a balance as young as the books")
    elif report.missing_lamports >= RENT_EXEMPT_LAMPORTS:
        reason = (
            f"the treasury holds {report.missing_lamports} lamports less than the books can"
            f" explain: {CAUSE}"
        )
        pauses.pause(world.db, reason, now=now)


def look_for_more(
    world: World, addresses: Mapping[str, str], report: Report, *, now: datetime
) -> None:
    """Look once more for what came to an address that holds more than the ledger knows.

    Raises:
        ChainUnreachable: No node answered.
    """
    try:
        for account, address in addresses.items():
            report.deposited_lamports += look_again(
                world.db, world.chain, account=account, address=address, now=now
            )
    except UnknownPayment as payment:
        _pause(world, payment, now=now)


def _pause(world: World, payment: UnknownPayment, *, now: datetime) -> None:
    reason = f"{payment} was paid for by the treasury and is not in the database: {CAUSE}"
    pauses.pause(world.db, reason, now=now)


def _missing(world: World, treasury: str, report: Report) -> int | None:
    """Lamports that left the treasury and are in no book; None when nobody can tell.

    The chain is asked first. Whatever landed until then was stored before it was sent, so the
    books that are read afterwards have it: decided, or among what may be out.
    """
    told = world.chain.balances(treasury)
    books = house.bounds(world.db)
    held = [item.lamports for item in told if item is not None and item.slot >= books.known_slot]
    if len(held) < quorum(len(told)):
        return None
    report.hot_lamports = max(held)
    return max(0, books.least_lamports - max(held))
