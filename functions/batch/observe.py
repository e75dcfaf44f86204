"""Batches under way: look at every node, judge, and take the edge that the verdict allows.

    INFLIGHT ─▶ one sighting per node ─▶ finalize · dissolve · wait · expire · hold

Only ``judge`` may declare an attempt dead, and only the same bytes are ever sent again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from solders.transaction import VersionedTransaction

from functions.batch.blame import blame
from functions.batch.chain import Chain
from pixr.adapters.postgres import Database, batch_edges, batches, lookup_tables
from pixr.adapters.postgres.batch_edges import Landing
from pixr.adapters.postgres.batches import Batch
from pixr.domain.payouts import (
    Absent,
    Attempt,
    Failed,
    Finalized,
    Search,
    Sighting,
    Unsettled,
    Verdict,
    judge,
    quorum,
)

LIVE = ("SIGNED", "INFLIGHT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A batch under way, with its attempts and what the nodes say of them."""

    batch: Batch
    attempts: Sequence[Attempt]
    sightings: Sequence[Sighting]
    verdict: Verdict

    @property
    def live(self) -> Attempt:
        """The attempt that may still land."""
        return next(item for item in self.attempts if item.state in LIVE)


def observe(
    db: Database,
    chain: Chain,
    moving: Sequence[Batch],
    *,
    is_resending: bool,
    new_id: Callable[[], UUID],
    now: datetime,
) -> list[str]:
    """Look at signed batches on every node and move each as far as is proved.

    Args:
        db: The database.
        chain: The nodes.
        moving: Batches in SIGNED or INFLIGHT.
        is_resending: Offer the bytes of those that nobody has seen once more.
        new_id: Names for the jobs that a payment may complete.
        now: The time.

    Returns:
        What happened to each that was moved or waits: a verdict's value, or 'raced'.
    """
    attempts = batches.attempts(db, [batch.id for batch in moving])
    answers = chain.look_up(_searches(db, moving, attempts))
    seen = [
        _Seen(
            batch=batch,
            attempts=attempts[batch.id],
            sightings=sightings,
            verdict=judge(attempts[batch.id], sightings),
        )
        for batch, sightings in zip(moving, answers, strict=True)
    ]
    happened = _pay(db, [item for item in seen if item.verdict is Verdict.PAID], new_id, now=now)
    for item in seen:
        match item.verdict:
            case Verdict.FAILED:
                happened.append(_word(item, is_moved=_fail(db, item, now=now)))
            case Verdict.EXPIRED:
                evidence = _evidence(item.sightings)
                is_moved = batch_edges.expire(db, item.batch, evidence, now=now)
                happened.append(_word(item, is_moved=is_moved))
            case Verdict.HOLD:
                reason = "the nodes cannot tell whether an attempt landed"
                evidence = _evidence(item.sightings)
                is_moved = batch_edges.hold(db, item.batch, reason, evidence, now=now)
                happened.append(_word(item, is_moved=is_moved))
            case _:
                pass
    waiting = [item for item in seen if item.verdict is Verdict.WAIT]
    _send_again(db, chain, waiting, is_resending=is_resending, now=now)
    return happened + [item.verdict.value for item in waiting]


def _searches(
    db: Database, moving: Sequence[Batch], attempts: Mapping[UUID, Sequence[Attempt]]
) -> list[Search]:
    emptied = batches.receipts(db, [batch.id for batch in moving if batch.kind == "reclaim"])
    return [
        Search(
            attempts=tuple(attempts[batch.id]),
            receipt=batch.receipt_address,
            emptied=batches.first_address(emptied.get(batch.id, ())),
        )
        for batch in moving
    ]


def _word(item: _Seen, *, is_moved: bool) -> str:
    return item.verdict.value if is_moved else "raced"


def _pay(
    db: Database, paid: Sequence[_Seen], new_id: Callable[[], UUID], *, now: datetime
) -> list[str]:
    if not paid:
        return []
    landings: list[Landing] = []
    contradicted: list[_Seen] = []
    for item in paid:
        landed = next(word for word in item.sightings if isinstance(word, Finalized))
        if any(one.signature == landed.signature and one.state in LIVE for one in item.attempts):
            landings.append(Landing(batch=item.batch, landed=landed, job_id=new_id()))
        else:
            contradicted.append(item)
    happened: list[str] = []
    for item in contradicted:
        # An attempt that was declared dead has paid: the books no longer tell what happened.
        reason = "an attempt that was closed before has landed"
        is_moved = batch_edges.hold(db, item.batch, reason, _evidence(item.sightings), now=now)
        happened.append("hold" if is_moved else "raced")
    if landings:
        moved = batch_edges.finalize(db, landings, now=now)
        happened += ["paid" if item.batch.id in moved else "raced" for item in landings]
    return happened


def _fail(db: Database, item: _Seen, *, now: datetime) -> bool:
    """Dissolve a batch that failed on chain."""
    failed = next(word for word in item.sightings if isinstance(word, Failed))
    attempt = next(one for one in item.attempts if one.signature == failed.signature)
    if attempt.state not in LIVE:
        # An old attempt's failure, already charged; the live one is still to be judged.
        reason = "an attempt that was closed before has failed on chain"
        return batch_edges.hold(db, item.batch, reason, _evidence(item.sightings), now=now)
    payouts = batches.items(db, [item.batch.id])[item.batch.id]
    if not payouts:
        return batch_edges.dissolve(db, item.batch, failed, poison={}, now=now)
    agreed = {word.error for word in item.sightings if isinstance(word, Failed)}
    if len(agreed) > 1:
        # That it failed is proved, by whose fault is not: then it names nobody.
        failed = replace(failed, account_index=None, instruction_index=None, is_source_short=False)
    found = blame(
        failed,
        VersionedTransaction.from_bytes(attempt.raw).message,
        payouts,
        lookup_tables.of_batch(db, item.batch),
    )
    return batch_edges.dissolve(
        db,
        item.batch,
        failed,
        poison=found.culprits,
        payees_max=found.payees_max,
        now=now,
    )


def _send_again(
    db: Database,
    chain: Chain,
    waiting: Sequence[_Seen],
    *,
    is_resending: bool,
    now: datetime,
) -> None:
    """Offer stored bytes that may still land; the very same bytes are harmless."""
    stored = [item.batch for item in waiting if item.batch.state == "SIGNED"]
    marked = batch_edges.mark_inflight(db, stored, now=now) if stored else set[UUID]()
    leaving = [
        item.live.raw
        for item in waiting
        if (item.batch.id in marked if item.batch.state == "SIGNED" else is_resending)
        and _may_help(item)
    ]
    if leaving:
        chain.send(leaving)


def _may_help(item: _Seen) -> bool:
    """Too few have the bytes in a block, and not every node is past their last valid height.

    One node's word is not enough to stop: it may be on a fork that nobody else is on.
    """
    seen = [word for word in item.sightings if isinstance(word, Unsettled | Finalized)]
    if len(seen) >= quorum(len(item.sightings)):
        return False
    heights = [word.finalized_block_height for word in item.sightings if isinstance(word, Absent)]
    return not heights or min(heights) <= item.live.last_valid_block_height


def _evidence(sightings: Sequence[Sighting]) -> dict[str, Any]:
    """What each node said, as it is stored."""
    return {
        f"node {number}": {"sighting": type(item).__name__, **asdict(item)}
        for number, item in enumerate(sightings, start=1)
    }
