"""The ways out of HOLD and of quarantine: which are open, why the others are not, and taking one.

    HOLD ──look again──▶ INFLIGHT    an attempt may still be judged; pays nothing by itself
         ──dissolve────▶ FAILED      nothing landed and nothing can: its payouts wait again
         ──adopt───────▶ FINALIZED   what made its receipt is the batch, exactly
    QUARANTINED ──retry──▶ PENDING   still owed: pay it once more, alone

Every way compares and swaps, writes its line into the audit log in the same transaction, and
is refused with a sentence when it is not safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from pixr.adapters.postgres import Database, adoption, audit, batch_edges, batches, holds
from pixr.adapters.postgres.adoption import Seen
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import Solana, TransactionView
from pixr.domain.decoding import decode
from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Absent,
    Attempt,
    Failed,
    Finalized,
    Payout,
    ReceiptOnly,
    Search,
    Sighting,
    Unknown,
    Unsettled,
    Verdict,
    judge,
    quorum,
)
from pixr.ops import comparison

LIVE: Final = ("SIGNED", "INFLIGHT")
WAYS: Final = ("look-again", "dissolve", "adopt")


class NotSafe(Exception):
    """The way is closed. The message says why, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A held batch and everything that decides what may be done with it."""

    batch: Batch
    payouts: Sequence[Payout]
    attempts: Sequence[Attempt]
    said: Sequence[tuple[str, Sighting]]
    """What each node says now: (node, sighting)."""
    maker: TransactionView | None
    """The transaction that made the receipt, or the attempt that a node shows as landed."""
    finalized_height: int
    difference: str | None
    """How the maker differs from the batch; None also when there is no maker."""

    @property
    def live(self) -> Sequence[Attempt]:
        """Attempts that may still land, as far as the database knows."""
        return [item for item in self.attempts if item.state in LIVE]

    def obstacle(self, way: str) -> str | None:
        """Why a way is closed; None: it is open."""
        if self.batch.state != "HOLD":
            return f"the batch is {self.batch.state}; only a batch in HOLD waits for a person"
        objections = {
            "look-again": _against_looking,
            "dissolve": _against_dissolving,
            "adopt": against_adoption,
        }
        return objections[way](self)


def examine(db: Database, chain: Solana, batch: Batch) -> Case:
    """Gather everything that is known of a batch, and ask the chain anew.

    Raises:
        ChainUnreachable: Nobody answers.
    """
    attempts = batches.attempts(db, [batch.id])[batch.id]
    payouts = batches.items(db, [batch.id])[batch.id]
    receipts = batches.receipts(db, [batch.id])[batch.id]
    search = Search(
        attempts=tuple(attempts),
        receipt=batch.receipt_address,
        emptied=batches.first_address(receipts),
    )
    (sightings,) = chain.look_up([search])
    names = [node.name for node in chain.nodes]
    maker = _maker(chain, sightings)
    found = None
    if maker is not None:
        expected = comparison.expected_of(db, batch, payouts, receipts)
        found = comparison.difference(decode(maker.raw, maker.accounts), expected)
    return Case(
        batch=batch,
        payouts=payouts,
        attempts=attempts,
        said=list(zip(names, sightings, strict=True)),
        maker=maker,
        finalized_height=chain.finalized_height(),
        difference=found,
    )


def _maker(chain: Solana, sightings: Sequence[Sighting]) -> TransactionView | None:
    for item in sightings:
        match item:
            case Finalized(signature=signature):
                return chain.transaction(signature)
            case ReceiptOnly(creator=str() as creator):
                return chain.transaction(creator)
            case _:
                continue
    return None


def _against_looking(case: Case) -> str | None:
    if case.live:
        return None
    return "none of its attempts may still land, so there is nothing to judge"


def _against_dissolving(case: Case) -> str | None:
    if case.live:
        return (
            f"attempt {case.live[0].number} may still land as far as the database knows:"
            " let the settler look again first"
        )
    for name, sighting in case.said:
        if objection := _objection(sighting):
            return f"{name} {objection}"
    if not case.attempts or _is_dead(case):
        return None
    return "the nodes cannot prove that no attempt of it landed: add one with full history"


def against_death(case: Case) -> str | None:
    """Why it is not proved that no attempt of the batch landed or can; None: it is proved.

    By as many nodes as ``judge`` wants; a batch that was never signed needs them to see no
    receipt of it.
    """
    sightings = [sighting for _, sighting in case.said]
    for name, sighting in case.said:
        if not isinstance(sighting, Unknown) and (objection := _objection(sighting)):
            return f"{name} {objection}"
    if case.attempts:
        is_proved = _is_dead(case)
    else:
        absences = [item for item in sightings if isinstance(item, Absent)]
        is_proved = len(absences) >= quorum(len(sightings))
    return None if is_proved else "too few nodes can prove that no attempt of it landed"


def _is_dead(case: Case) -> bool:
    """Whether enough nodes prove that no attempt landed or can.

    What failed on chain and is booked as failed contradicts nothing. ``judge`` never meets it: the
    settler dissolves such a batch in the same breath, but a recovery may find it still open.
    """
    sightings = [sighting for _, sighting in case.said]
    booked = {item.signature for item in case.attempts if item.state == "FAILED"}
    failures = [item for item in sightings if isinstance(item, Failed)]
    if failures and not case.live and all(item.signature in booked for item in failures):
        dead_above = EXPIRY_MARGIN_BLOCKS + max(
            item.last_valid_block_height for item in case.attempts
        )
        past = [
            item
            for item in sightings
            if isinstance(item, Absent) and item.finalized_block_height > dead_above
        ]
        return len(failures) + len(past) >= quorum(len(sightings))
    return judge(case.attempts, sightings) in (Verdict.EXPIRED, Verdict.FAILED)


def evidence(case: Case) -> dict[str, Any]:
    """What each node said, as it is stored."""
    return {
        name: {"sighting": type(sighting).__name__, **asdict(sighting)}
        for name, sighting in case.said
    }


def _objection(sighting: Sighting) -> str | None:
    """What speaks against "nothing landed"; every node must be free of it."""
    match sighting:
        case Absent() | Failed():
            return None
        case Unknown(reason=reason):
            return f"cannot tell ({reason}), and every node must"
        case Unsettled():
            return "sees an attempt that is not final yet"
        case Finalized(signature=signature):
            return f"shows that {signature} has paid it"
        case ReceiptOnly(address=address):
            return f"shows its receipt {address}: somebody has paid it"


def against_adoption(case: Case) -> str | None:
    """Why what a node shows cannot be taken for the batch's payment; None: it can."""
    if case.maker is None:
        if any(isinstance(sighting, ReceiptOnly) for _, sighting in case.said):
            return "its receipt exists, and no node can tell which transaction made it"
        return "no node shows that it was paid"
    if case.maker.error is not None:
        return f"{case.maker.signature} failed on chain: {case.maker.error}"
    if case.difference is not None:
        return f"{case.maker.signature} is not this batch; {case.difference}"
    return None


Edge: TypeAlias = Callable[[], bool]


def release(
    db: Database,
    chain: Solana,
    case: Case,
    way: str,
    *,
    actor: str,
    new_id: Callable[[], UUID],
    now: datetime,
) -> None:
    """Take ``way`` out of HOLD, if it is open.

    Args:
        db: The database.
        chain: Asked for what an adopted transaction leaves open.
        case: The batch as examined; the edge is taken only if nobody moved it since.
        way: One of ``WAYS``.
        actor: For the audit log.
        new_id: Names the job that an adopted payment may complete.
        now: The time.

    Raises:
        NotSafe: The way is closed, or somebody moved the batch meanwhile.
    """
    if obstacle := case.obstacle(way):
        raise NotSafe(obstacle)
    failed = _failures(chain, case) if way == "adopt" else []
    edges: dict[str, Edge] = {
        "look-again": lambda: holds.look_again(db, case.batch, now=now),
        "dissolve": lambda: batch_edges.dissolve(db, case.batch, None, poison={}, now=now),
        "adopt": lambda: adoption.adopt(
            db, case.batch, seen(case, now), failed=failed, job_id=new_id(), now=now
        ),
    }
    with db.transaction():
        if not edges[way]():
            raise NotSafe("somebody moved the batch while it was looked at: look at it again")
        audit.append(
            db,
            at=now,
            actor=actor,
            action=f"hold.{way}",
            subject=str(case.batch.id),
            detail=_detail(case),
        )


def retry(db: Database, payout_id: UUID, *, actor: str, now: datetime) -> None:
    """Let a quarantined payout be paid once more, alone.

    Raises:
        NotSafe: It is not in quarantine, or its money went back to its owner.
    """
    with db.transaction():
        row = holds.payout(db, payout_id)
        if row is None:
            raise NotSafe(f"there is no payout {payout_id}")
        if not holds.retry(db, payout_id):
            raise NotSafe(_no_retry(row))
        audit.append(
            db,
            at=now,
            actor=actor,
            action="payout.retried",
            subject=str(payout_id),
            detail={"reason": row["reason"], "lamports": str(row["lamports"])},
        )


def _no_retry(row: dict[str, Any]) -> str:
    if row["state"] != "QUARANTINED":
        return f"the payout is {row['state']}; only one in QUARANTINED can be tried again"
    if row["kind"] in ("earnings", "return"):
        return "what it was made of is paid, or will be paid anew: nothing is owed by it"
    return (
        f"a {row['kind']} that was put aside is its owner's money again:"
        " they can ask for it once more themselves"
    )


def seen(case: Case, now: datetime) -> Seen:
    """What paid the batch, as a row wants it; only where nothing is against adoption."""
    maker = case.maker
    assert maker is not None
    found = decode(maker.raw, maker.accounts)
    assert found is not None
    return Seen(
        signature=maker.signature,
        slot=maker.slot,
        fee_lamports=maker.fee_lamports,
        raw=maker.raw,
        blockhash=found.blockhash,
        # It is final, so it landed at this height or below.
        last_valid_block_height=case.finalized_height,
        signed_at=now,
        error=None,
    )


def _failures(chain: Solana, case: Case) -> list[Failed]:
    """Live attempts beside the one that is adopted: what the chain charged for them."""
    assert case.maker is not None
    others = [item for item in case.live if item.signature != case.maker.signature]
    views = chain.transactions([item.signature for item in others])
    return [
        Failed(
            signature=view.signature,
            slot=view.slot,
            fee_lamports=view.fee_lamports,
            error=view.error,
        )
        for view in views
        if view is not None and view.error is not None
    ]


def _detail(case: Case) -> dict[str, object]:
    return {
        "kind": case.batch.kind,
        "lamports": str(case.batch.lamports),
        "maker": None if case.maker is None else case.maker.signature,
        "nodes": {name: type(sighting).__name__ for name, sighting in case.said},
    }
