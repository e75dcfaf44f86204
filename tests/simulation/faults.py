"""Deliberate faults: what a tired hand might write, each found by the simulation.

A simulation that finds nothing proves nothing until it was seen to bite. Each fault is a small
change of the shipped code; ``test_faults.py`` runs a few seeds with it and expects a violation.

    python -m tests.simulation.faults --seeds 20

shows how many of the first seeds of its profile find each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from unittest import mock

import functions.batch.observe as observing
import functions.batch.reclaim as reclaiming
from functions.batch import sign, tick
from functions.batch.blame import Blame
from pixr.adapters import postgres
from pixr.adapters.postgres import batch_edges, batches, deposits, idempotency, outbox, pauses
from pixr.adapters.redis import Entry, ViewStream
from pixr.adapters.solana import sightings
from pixr.domain import earnings
from pixr.domain.payouts import Absent, Attempt, Sighting, Unknown, Unsettled, Verdict, judge
from pixr.ops import recovery
from tests.simulation import blind, boundaries, hasty, profiles
from tests.simulation.run import Violated, run
from tests.simulation.servers import Servers, own_servers

Patch = Callable[[], AbstractContextManager[Any]]
SEEDS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to get it wrong."""

    name: str
    patch: Patch
    profile: str = ""
    """The kind of trouble in which it does harm."""
    place: str = ""
    """Or the boundary of the small scenario at which it does, and …"""
    way: str = "die"
    """… what happens there."""
    seeds: tuple[int, ...] = ()
    """Found it before, and are tried first."""


def changed(edits: Mapping[str, tuple[str, str]]) -> AbstractContextManager[None]:
    """Statements with a piece of their text replaced: name → (old, new)."""

    def edited(name: str) -> bytes:
        text = postgres.sql(name).decode()
        old, new = edits.get(name, ("", ""))
        assert old in text, f"{name} has changed: the fault must, too"
        return text.replace(old, new).encode()

    @contextmanager
    def patched() -> Generator[None]:
        with ExitStack() as stack:
            for name, module in list(sys.modules.items()):
                if name.startswith("pixr.adapters.postgres.") and hasattr(module, "sql"):
                    stack.enter_context(mock.patch.object(module, "sql", edited))
            yield

    return patched()


def _judged(change: Callable[[Sequence[Attempt], Sequence[Sighting]], Verdict]) -> Patch:
    return lambda: mock.patch.object(observing, "judge", change)


def _no_patience(attempts: Sequence[Attempt], said: Sequence[Sighting]) -> Verdict:
    verdict = judge(attempts, said)
    is_seen = any(isinstance(item, Unsettled) for item in said)
    return Verdict.EXPIRED if verdict is Verdict.WAIT and not is_seen else verdict


def _silence_is_absence(attempts: Sequence[Attempt], said: Sequence[Sighting]) -> Verdict:
    nothing = Absent(finalized_block_height=2**62, first_available_slot=0)
    return judge(attempts, [nothing if isinstance(item, Unknown) else item for item in said])


@contextmanager
def _signed_again_after_a_minute() -> Generator[None]:
    begun: dict[str, datetime] = {}
    moment: list[datetime] = []
    observe = observing.observe

    def timed(*arguments: Any, now: datetime, **rest: Any) -> Any:
        moment[:] = [now]
        return observe(*arguments, now=now, **rest)

    def impatient(attempts: Sequence[Attempt], said: Sequence[Sighting]) -> Verdict:
        verdict = judge(attempts, said)
        age = moment[0] - begun.setdefault(attempts[-1].signature, moment[0])
        is_old = verdict is Verdict.WAIT and age > timedelta(seconds=60)
        return Verdict.EXPIRED if is_old else verdict

    with (
        mock.patch.object(tick, "observe", timed),
        mock.patch.object(observing, "judge", impatient),
    ):
        yield


def _status_with(**fields: Any) -> Patch:
    """Every status that a node gives is taken for one that also says this."""
    read = sightings._status

    def bent(value: Any) -> Any:
        return read(None if value is None else {**value, **fields})

    return lambda: mock.patch.object(sightings, "_status", bent)


def _acknowledged_before_it_is_committed() -> AbstractContextManager[Any]:
    read, finish = ViewStream.read, ViewStream.finish

    def greedy(self: ViewStream, events_min: int, consumer: str) -> list[Entry]:
        entries = read(self, events_min, consumer)
        finish(self, entries)
        return entries

    return mock.patch.object(ViewStream, "read", greedy)


@contextmanager
def _reclaimed_at_once() -> Generator[None]:
    """Neither who plans a reclaim looks at its receipts' age, nor who signs it."""
    plan = reclaiming.plan_reclaims

    def eager(*arguments: Any, retention: timedelta, **rest: Any) -> Any:
        return plan(*arguments, retention=retention * 0, **rest)

    with (
        mock.patch.object(tick, "plan_reclaims", eager),
        mock.patch.object(batches, "early_reclaims", return_value=set()),
    ):
        yield


def _told_before_it_is_sent() -> AbstractContextManager[Any]:
    def careless(db: Any, send: Callable[..., None], *, now: datetime) -> int:
        rows = db.execute(postgres.sql("outbox/list_unsent"), {"limit": 100}).fetchall()
        for row in rows:
            db.execute(postgres.sql("outbox/mark_sent"), {"id": row["id"], "now": now})
        for row in rows:
            send(row["topic"], row["payload"])
        return len(rows)

    return mock.patch.object(outbox, "flush", careless)


@contextmanager
def _recovery_that_sees_nothing() -> Generator[None]:
    with (
        mock.patch.object(recovery, "_book_unknown"),
        mock.patch.object(recovery, "_verify", return_value=[]),
    ):
        yield


def _all_is_in_the_books() -> AbstractContextManager[Any]:
    """The guard takes nothing off for what may have landed already."""
    out = "WHERE state IN ('SIGNED', 'INFLIGHT', 'HOLD')"
    return changed({"house/bounds": (out, "WHERE false")})


def _rounded_up() -> AbstractContextManager[Any]:
    """The platform gets the ceiling of its share of each drain."""
    split = earnings.split

    def generous(epoch: Any, shares: Any, gross_lamports: int) -> Any:
        part = split(epoch, shares, gross_lamports)
        taken = min(1, part.creator_lamports)
        return earnings.Split(
            platform_lamports=part.platform_lamports + taken,
            creator_lamports=part.creator_lamports - taken,
            investor_lamports=part.investor_lamports,
        )

    return mock.patch("functions.batch.drain.split", generous)


NO_VERSION: Final = {
    "batches/swap": ("AND batches.version = seen.version", ""),
    "transactions/insert": ("AND batches.version = fresh.version", ""),
    "transactions/mark_inflight": ("AND batches.version = seen.version", ""),
}
ONE_OF_THEM: Final = (
    "AND payouts.state = 'RESERVED'",
    "AND payouts.id = (SELECT min(id::text)::uuid FROM payouts WHERE batch_id = landed.batch_id)",
)
NO_RELEASE: Final = ("sum(released_lamports)::bigint\n", "0\n")

FAULTS: Final = (
    Fault(name="signed again after a timeout", patch=_judged(_no_patience), profile="network"),
    Fault(name="sent, then stored", patch=hasty.sent_before_it_is_stored, profile="calm"),
    Fault(
        name="stored, and signed again after 60 s",
        patch=_signed_again_after_a_minute,
        profile="network",
        seeds=(16,),
    ),
    Fault(
        name="an RPC error counts as not found",
        patch=_judged(_silence_is_absence),
        profile="network",
    ),
    Fault(name="no receipt", patch=hasty.without_a_receipt, profile="calm"),
    Fault(name="the signer signs what it is given", patch=hasty.signed_unread, profile="calm"),
    Fault(
        name="an expired attempt is never followed by another",
        patch=lambda: mock.patch.object(batch_edges, "expire", return_value=True),
        profile="network",
        seeds=(21,),
    ),
    Fault(
        name="half of a batch is kept",
        patch=lambda: changed({"batches/settle": ONE_OF_THEM}),
        profile="calm",
    ),
    Fault(
        name="a call to the network inside a database transaction",
        patch=hasty.sent_inside_a_transaction,
        profile="calm",
    ),
    Fault(
        name="confirmed counts as paid",
        patch=_status_with(confirmationStatus="finalized"),
        profile="calm",
    ),
    Fault(
        name="a failure counts as paid",
        patch=_status_with(err=None),
        place="simulateTransaction",
        way="be poisoned",
    ),
    Fault(
        name="no ON CONFLICT for who comes second",
        patch=lambda: changed({"ledger/open_accounts": ("ON CONFLICT (account) DO NOTHING", "")}),
        profile="calm",
    ),
    Fault(
        name="views are acknowledged before they are committed",
        patch=_acknowledged_before_it_is_committed,
        profile="crashes",
    ),
    Fault(
        name="a reservation is not released",
        patch=lambda: changed({"batches/settle": NO_RELEASE}),
        profile="calm",
    ),
    Fault(name="a receipt is reclaimed at once", patch=_reclaimed_at_once, profile="calm"),
    Fault(
        name="our own payments count as deposits",
        patch=lambda: mock.patch.object(deposits, "known", return_value=set()),
        profile="calm",
    ),
    Fault(
        name="a message counts as sent before it is",
        patch=_told_before_it_is_sent,
        place="UPDATE outbox",
    ),
    Fault(
        name="an idempotency key is not claimed",
        patch=lambda: mock.patch.object(idempotency, "take", return_value=None),
        profile="calm",
        seeds=(1,),
    ),
    Fault(
        name="nobody is to blame for a failure",
        patch=lambda: mock.patch.object(sign, "blame", return_value=Blame()),
        profile="calm",
        seeds=(4,),
    ),
    Fault(name="the platform rounds up", patch=_rounded_up, profile="calm"),
    Fault(
        name="a pause stops nothing",
        patch=lambda: mock.patch.object(pauses, "read", return_value=None),
        profile="restore",
        seeds=(1,),
    ),
    Fault(name="the walk finds nothing", patch=blind.a_walk_that_finds_nothing, profile="restore"),
    Fault(
        name="an unknown payment is swallowed",
        patch=blind.an_unknown_payment_that_is_swallowed,
        profile="restore",
        seeds=(20,),
    ),
    Fault(
        name="the guard forgets what may have landed",
        patch=_all_is_in_the_books,
        profile="calm",
        seeds=(3,),
    ),
    Fault(
        name="a recovery that reads nothing back",
        patch=_recovery_that_sees_nothing,
        profile="restore",
        seeds=(4,),
    ),
)


def finds(fault: Fault, seeds: Iterable[int], servers: Servers) -> Generator[tuple[int, str]]:
    """The seeds, or numbers of boundaries, that find a fault, each with what it found."""
    with fault.patch():
        attempts = _at_a_place(fault, servers) if fault.place else _with(fault, seeds, servers)
        for number, attempt in attempts:
            try:
                attempt()
            except Violated as violated:
                yield number, str(violated)


Try = tuple[int, Callable[[], object]]


def _with(fault: Fault, seeds: Iterable[int], servers: Servers) -> Generator[Try]:
    profile = next(item for item in profiles.PROFILES if item.name == fault.profile)
    for seed in seeds:
        yield seed, partial(run, seed, servers, profile=profile)


def _at_a_place(fault: Fault, servers: Servers) -> Generator[Try]:
    for here in boundaries.places(servers):
        if here.what.startswith(fault.place):
            yield here.number, partial(boundaries.check, servers, here, fault.way)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="tests.simulation.faults")
    parser.add_argument("--seeds", type=int, default=SEEDS_SHOWN, help="how many to try with each")
    parser.add_argument("--only", default="", help="part of a fault's name")
    asked = parser.parse_args()
    with own_servers() as servers:
        for fault in FAULTS:
            if asked.only in fault.name:
                found = dict(finds(fault, range(asked.seeds), servers))
                first = next(iter(found.values()), "").partition("\n")[0]
                sys.stdout.write(
                    f"{fault.name}: {len(found)} of {asked.seeds}, {list(found)[:8]} {first}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    _main()
