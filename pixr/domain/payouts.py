"""When a batch is paid, when it may be signed again, and when a person must decide.

    PLANNED ──sign──▶ SIGNED ──send──▶ INFLIGHT ──finalized──▶ FINALIZED
       ▲                                 │  │ └─finalized with an error──▶ FAILED (dissolved)
       └────────proof of expiry──────────┘  └─no proof either way──▶ HOLD

Paid means finalized. Signed again means *proved dead*: every node has finalized a block
past the last height at which any attempt could land, then found no signature and no
receipt in full history. A timeout, an error or an impatient operator is not proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

EXPIRY_MARGIN_BLOCKS: Final = 32
"""Blocks beyond the last valid height before absence counts; a rooted fork is this deep."""

STUCK_BLOCKS: Final = 1_000
"""Beyond the last valid height: who still calls it unsettled then (about seven minutes later)
is stuck, and a person must look."""

QUORUM_NODES: Final = 2
"""With three or more nodes, so many must agree on what closes a batch; below that, all."""

LIVE_STATES: Final = ("SIGNED", "INFLIGHT")
"""Of an attempt that may still land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One amount to one address. ``lamports`` > 0."""

    id: UUID
    kind: str
    user_id: str | None
    debit_account: str
    credit_account: str
    destination: str
    lamports: int
    investment_id: UUID | None = None
    payees_max: int | None = None
    """In what company it may travel, after a failure that named nobody; None: any."""

    @property
    def source(self) -> str:
        """Ledger account of the address that the lamports leave on chain."""
        return "treasury" if self.kind in ("earnings", "return") else self.debit_account


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A signed transaction, as stored. ``number`` counts from 1 within its batch."""

    signature: str
    batch_id: UUID
    number: int
    state: str
    raw: bytes
    blockhash_slot: int
    last_valid_block_height: int
    fee_lamports_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """Included and irreversible; the money has moved."""

    signature: str
    slot: int
    fee_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Included and irreversible, but it failed: only the fee was charged."""

    signature: str
    slot: int
    fee_lamports: int
    error: str
    account_index: int | None = None
    """The account that failed the transaction, as an index into the message's keys."""
    instruction_index: int | None = None
    """The instruction that failed by the fault of its destination."""
    is_source_short: bool = False
    """Whoever pays had too little: the failure names no payee."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Seen by a node, not yet irreversible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A node's full history has neither a signature of the batch nor its receipt.

    The height was read before the search, the first available slot with it.
    """

    finalized_block_height: int
    first_available_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptOnly:
    """The batch's trace is there though no attempt of ours is known to have left it.

    Its receipt exists, so somebody paid; or what it reclaims is gone, so somebody took it.
    """

    address: str
    creator: str | None = None
    """The transaction that left it, when a node can still tell; none of the batch's attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The node could not answer. Proves nothing."""

    reason: str


Sighting: TypeAlias = Finalized | Failed | Unsettled | Absent | ReceiptOnly | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for on chain: every attempt of one batch, and the trace that it leaves."""

    attempts: tuple[Attempt, ...]
    receipt: str | None
    """None for a batch that makes no receipt."""
    emptied: str | None = None
    """A receipt that a reclaim empties: it stands until an attempt lands, and then it is gone."""


@dataclass(frozen=True, slots=True)
class Passes:
    """The transaction would have succeeded a moment ago. No promise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """The transaction would have failed; the indexes mean what they mean in ``Failed``."""

    error: str
    account_index: int | None = None
    instruction_index: int | None = None
    is_source_short: bool = False


Rehearsal: TypeAlias = Passes | Refuses | Unknown


class Verdict(Enum):
    """What may be done with a batch now."""

    PAID = "paid"
    FAILED = "failed"
    WAIT = "wait"
    EXPIRED = "expired"
    HOLD = "hold"


def judge(attempts: Sequence[Attempt], sightings: Sequence[Sighting]) -> Verdict:
    """Decide what became of a batch, given one sighting of each configured node.

    Whatever closes a batch needs a quorum: every node, or two of three or more. ``EXPIRED`` and
    ``FAILED`` let the same payouts be signed again. ``EXPIRED`` asks each node for finality past
    the expiry of every attempt by ``EXPIRY_MARGIN_BLOCKS``, with history back to the first;
    what one node saw beats any number that saw nothing. ``FAILED`` asks each for the finalized
    failure of the live attempt; that of one which was declared dead is a contradiction, and so
    is a receipt that no attempt of ours made. ``PAID`` tells somebody that their money has
    arrived, which one node alone could make up: another must have it as well, or at
    least its receipt.

    Source:
        https://solana.com/docs/advanced/confirmation; settlement.md "Proof of expiry".
    """
    assert attempts
    assert sightings
    if any(isinstance(sighting, Finalized) for sighting in sightings):
        return _judge_payment(attempts, sightings)
    if any(isinstance(sighting, Unsettled) for sighting in sightings):
        # It becomes final or goes away: then the node says what we act on. A node that is stuck
        # on a fork never does.
        others = [item for item in _absences(sightings) if _is_past(item, attempts, STUCK_BLOCKS)]
        return Verdict.HOLD if len(others) >= quorum(len(sightings)) else Verdict.WAIT
    if any(isinstance(sighting, ReceiptOnly) for sighting in sightings):
        return Verdict.HOLD
    if any(isinstance(sighting, Failed) for sighting in sightings):
        return _judge_failure(attempts, sightings)
    return _judge_absence(attempts, sightings)


def quorum(nodes: int) -> int:
    """How many of so many nodes must agree."""
    return min(nodes, QUORUM_NODES)


def _judge_payment(attempts: Sequence[Attempt], sightings: Sequence[Sighting]) -> Verdict:
    """Decide when some node has an attempt as paid: the others vouch, are behind, or contradict."""
    paid = {item.signature for item in sightings if isinstance(item, Finalized)}
    vouching = [item for item in sightings if isinstance(item, Finalized) or _is_receipt(item)]
    if len(paid) == 1 and len(vouching) >= quorum(len(sightings)):
        return Verdict.PAID
    behind = [
        item
        for item in sightings
        if isinstance(item, Unknown | Unsettled)
        or (isinstance(item, Absent) and not _is_past(item, attempts))
    ]
    return Verdict.WAIT if behind else Verdict.HOLD


def _is_receipt(sighting: Sighting) -> bool:
    """The receipt stands, and the node has forgotten which transaction made it."""
    return isinstance(sighting, ReceiptOnly) and sighting.creator is None


def _judge_failure(attempts: Sequence[Attempt], sightings: Sequence[Sighting]) -> Verdict:
    """Decide when some node saw a failure, and none anything that is still open."""
    live = {attempt.signature for attempt in attempts if attempt.state in LIVE_STATES}
    failures = [item for item in sightings if isinstance(item, Failed)]
    if any(failed.signature not in live for failed in failures):
        # Declared dead, and landed: then the others may land as well.
        return Verdict.HOLD
    if len(failures) >= quorum(len(sightings)):
        return Verdict.FAILED
    past = [item for item in _absences(sightings) if _is_past(item, attempts)]
    return Verdict.HOLD if len(failures) + len(past) == len(sightings) else Verdict.WAIT


def _judge_absence(attempts: Sequence[Attempt], sightings: Sequence[Sighting]) -> Verdict:
    """Decide when no node saw anything."""
    first_slot = min(attempt.blockhash_slot for attempt in attempts)
    past = [item for item in _absences(sightings) if _is_past(item, attempts)]
    proofs = [item for item in past if item.first_available_slot <= first_slot]
    if len(proofs) >= quorum(len(sightings)):
        return Verdict.EXPIRED
    # Every node answers and is past expiry, but too few still have the history to tell.
    return Verdict.HOLD if len(past) == len(sightings) else Verdict.WAIT


def _absences(sightings: Sequence[Sighting]) -> list[Absent]:
    return [item for item in sightings if isinstance(item, Absent)]


def _is_past(
    absent: Absent, attempts: Sequence[Attempt], margin: int = EXPIRY_MARGIN_BLOCKS
) -> bool:
    """Whether no attempt can land any more, as this node counts."""
    last = max(attempt.last_valid_block_height for attempt in attempts)
    return absent.finalized_block_height > last + margin
