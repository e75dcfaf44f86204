"""Batches that were open at the restore point: each has landed, or is dissolved.

Its payouts may have travelled in another batch in the time that was forgotten. So none may
stay open: what did not land, and is proved not to land any more, gives its payouts free to be
matched with what did. Where nobody can tell, it stays on hold, and nothing that looks like
one of its payouts is booked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pixr.adapters.postgres import adoption, batch_edges, batches, recovery
from pixr.adapters.postgres.adoption import Seen
from pixr.adapters.postgres.batches import Batch
from pixr.domain.decoding import Extension, Payment
from pixr.domain.payouts import Failed
from pixr.ops import comparison, releasing
from pixr.ops.recovering.run import Run
from pixr.ops.recovering.walking import Found, Walked
from pixr.ops.releasing import Case


def decide_open(run: Run, walked: Walked) -> Counter[tuple[str, str, int]]:
    """Every batch that was open at the restore point has landed, or is dissolved.

    Returns:
        (source, destination, lamports) of the payouts in batches that stay on hold.
    """
    about: dict[str, list[Found]] = {}
    for found in walked.ours:
        about.setdefault(found.view.signature, []).append(found)
        if isinstance(found.decoded, Payment | Extension):
            about.setdefault(found.decoded.receipt, []).append(found)
    held: Counter[tuple[str, str, int]] = Counter()
    for batch in recovery.undecided(run.db):
        attempts = batches.attempts(run.db, [batch.id])[batch.id]
        names = [batch.receipt_address or "", *(item.signature for item in attempts)]
        # By signature: a known attempt is found by both of its names.
        there = {item.view.signature: item for name in names for item in about.get(name, [])}
        if not _decide(run, batch, list(there.values())):
            for payout in batches.items(run.db, [batch.id])[batch.id]:
                held[payout.source, payout.destination, payout.lamports] += 1
    return held


def _decide(run: Run, batch: Batch, there: Sequence[Found]) -> bool:
    """Adopt or dissolve one batch; False: nobody can tell, and it stays on hold."""
    failed = [found for found in there if found.view.error is not None]
    for found in failed:
        if found.known is None:
            adoption.record_failure(run.db, batch.id, run.seen(found), now=run.now())
            run.report.counts["failed"] += 1
    landed = next((found for found in there if found.view.error is None), None)
    if landed is not None:
        return _adopt_found(run, batch, landed, _live_failures(failed))
    case = releasing.examine(run.db, run.chain, batch)
    if case.maker is not None and releasing.against_adoption(case) is None:
        # It landed before the anchor, and nobody had looked when the backup was made.
        _adopt(run, batch, releasing.seen(case, run.now()), _live_failures(failed))
        return True
    if obstacle := releasing.against_death(case):
        if batch.state != "HOLD":
            reason = f"pixr recover: {obstacle}"
            batch_edges.hold(run.db, batch, reason, releasing.evidence(case), now=run.now())
        run.report.on_hold.append(f"{batch.id}: {obstacle}")
        return False
    _dissolve(run, batch, case, _live_failures(failed))
    return True


def _adopt_found(run: Run, batch: Batch, landed: Found, failed: Sequence[Failed]) -> bool:
    payouts = batches.items(run.db, [batch.id])[batch.id]
    receipts = batches.receipts(run.db, [batch.id])[batch.id]
    expected = comparison.expected_of(run.db, batch, payouts, receipts)
    if difference := comparison.difference(landed.decoded, expected):
        run.report.unexplained.append(
            f"{landed.view.signature} carries the receipt of batch {batch.id}, and {difference}"
        )
        return False
    _adopt(run, batch, run.seen(landed), failed)
    return True


def _adopt(run: Run, batch: Batch, seen: Seen, failed: Sequence[Failed]) -> None:
    is_moved = adoption.adopt(
        run.db, batch, seen, failed=failed, job_id=run.new_id(), now=run.now()
    )
    run.report.counts["adopted" if is_moved else "raced"] += 1


def _live_failures(failed: Sequence[Found]) -> list[Failed]:
    """Attempts that failed on chain and that the database takes for live."""
    return [
        Failed(
            signature=found.view.signature,
            slot=found.view.slot,
            fee_lamports=found.view.fee_lamports,
            error=found.view.error,
        )
        for found in failed
        if found.view.error is not None and found.known in releasing.LIVE
    ]


def _dissolve(run: Run, batch: Batch, case: Case, failed: Sequence[Failed]) -> None:
    """Its payouts may have travelled in another batch since; they must be free to be matched."""
    live = {item.signature for item in case.live}
    charged = [*failed, *(said for _, said in case.said if isinstance(said, Failed))]
    failure = next((item for item in charged if item.signature in live), None)
    now = run.now()
    with run.db.transaction():
        is_moved = batch_edges.dissolve(run.db, batch, failure, poison={}, now=now)
        if is_moved:
            adoption.bury(run.db, batch.id, now=now)
            batch_edges.record_evidence(run.db, batch.id, releasing.evidence(case), now=now)
    run.report.counts["dissolved" if is_moved else "raced"] += 1
