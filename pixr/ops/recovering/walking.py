"""What the chain has that the database may not: every transaction of the treasury since an anchor.

    nodes ─▶ one list each ─▶ union ─▶ what the database does not know to be over ─▶ read whole

A list that is not whole would let a payment be made twice, so it is believed only when enough
nodes reach back to the *anchor*: a transaction that the database knew to be final before the
restore point. Where it knew none, everything that the treasury ever did must add up to what
it holds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pixr.adapters.postgres import Database, recovery
from pixr.adapters.postgres.recovery import Anchor
from pixr.adapters.solana import (
    ChainUnreachable,
    HistoryTooLong,
    SignatureRecord,
    Solana,
    TransactionView,
)
from pixr.domain.decoding import Decoded, decode
from pixr.domain.payouts import EXPIRY_MARGIN_BLOCKS, Absent, Search, quorum

PAGES_MAX: Final = 300
"""300,000 transactions: more than a day of the busiest treasury that these tables are for."""

READ_TOGETHER: Final = 200
BLOCKHASH_BLOCKS: Final = 150
CLAIM_BLOCKS_MAX: Final = 300
"""A node that claims a height this far above the median is not waited for."""

WAIT_POLLS_MAX: Final = 900
WAIT_POLL_S: Final = 2.0
OVER: Final = frozenset({"LANDED", "FAILED", "DEPOSIT"})
"""What the database knows of a signature, when there is nothing left to decide."""


class RecoveryStuck(Exception):
    """It cannot go on safely. Settlement stays paused; say it again when this is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A transaction that the treasury paid for, with what it says."""

    view: TransactionView
    decoded: Decoded
    known: str | None
    """The state of its attempt in the database; None: the database never heard of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Money that somebody else's transaction brought to the treasury."""

    signature: str
    slot: int
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """Everything that is not known to be over, oldest first."""

    ours: Sequence[Found]
    incoming: Sequence[Incoming]
    seen: int
    """How many transactions were listed."""


def wait_until_decided(chain: Solana, *, pause: Callable[[float], None]) -> int:
    """Wait until nothing that was signed before now can land any more.

    A node that does not answer is waited for as well: an outage now would only have this said
    again later.

    Returns:
        The finalized height then.

    Raises:
        ChainUnreachable: Too few nodes tell their height.
        RecoveryStuck: The chain does not get past it.
    """
    needed = quorum(len(chain.nodes))
    target: int | None = None
    for _ in range(WAIT_POLLS_MAX):
        heights = sorted(_heights(chain))
        if target is not None and len([item for item in heights if item > target]) >= needed:
            return next(item for item in heights if item > target)
        if target is None and len(heights) >= needed:
            bound = statistics.median_high(heights) + CLAIM_BLOCKS_MAX
            highest = max(item for item in heights if item <= bound)
            target = highest + BLOCKHASH_BLOCKS + EXPIRY_MARGIN_BLOCKS
        pause(WAIT_POLL_S)
    if target is None:
        raise ChainUnreachable("too few nodes tell their finalized height")
    raise RecoveryStuck(
        f"the chain has not got past block {target}, up to which something signed before could"
        " still land"
    )


def _heights(chain: Solana) -> list[int]:
    (sightings,) = chain.look_up([Search(attempts=(), receipt=None)])
    return [item.finalized_block_height for item in sightings if isinstance(item, Absent)]


def walk(
    db: Database,
    chain: Solana,
    treasury: str,
    anchor: Anchor | None,
    older: Anchor | None,
) -> Walked:
    """List and read what the treasury did since ``anchor``.

    Args:
        db: Asked what it knows.
        chain: Each node is asked for its own list.
        treasury: The address.
        anchor: Must be in the lists; None: the whole history is walked.
        older: An older known transaction, where the lists may end; None: they end nowhere.

    Raises:
        RecoveryStuck: Too few nodes have the history, or it is too long.
    """
    records = _list(chain, treasury, anchor, older)
    known = recovery.known(db, [record.signature for record in records], account="treasury")
    states = {signature: item.state for signature, item in known.items()}
    unclear = [record for record in records if states.get(record.signature) not in OVER]
    views = _read(chain, [record.signature for record in unclear])
    if anchor is None:
        _require_whole(chain, treasury, records, views)
    ours: list[Found] = []
    incoming: list[Incoming] = []
    for view in views:
        if view.accounts[0] == treasury:
            ours.append(
                Found(
                    view=view,
                    decoded=decode(view.raw, view.accounts),
                    known=states.get(view.signature),
                )
            )
        elif view.error is None and view.changes.get(treasury, 0) > 0:
            incoming.append(
                Incoming(signature=view.signature, slot=view.slot, lamports=view.changes[treasury])
            )
    return Walked(ours=ours, incoming=incoming, seen=len(records))


def _list(
    chain: Solana, treasury: str, anchor: Anchor | None, older: Anchor | None
) -> list[SignatureRecord]:
    until = None if older is None else older.signature
    try:
        answers = chain.walks(treasury, until=until, pages_max=PAGES_MAX)
    except HistoryTooLong as flood:
        raise RecoveryStuck(f"{flood}: name a later restore point with --since") from flood
    lists = [answer for answer in answers if isinstance(answer, list)]
    if anchor is not None:
        lists = [
            records
            for records in lists
            if any(record.signature == anchor.signature for record in records)
        ]
    if len(lists) < quorum(len(chain.nodes)):
        raise RecoveryStuck(
            f"only {len(lists)} of {len(chain.nodes)} nodes have the treasury's history back to"
            f" {anchor.signature if anchor else 'its beginning'}: add nodes with full history to"
            " SOLANA_RPC_URL"
        )
    # A node that has less may still have seen something that the others have not.
    every = [*lists, *(answer for answer in answers if isinstance(answer, list))]
    return _union(every)


def _union(lists: Sequence[Sequence[SignatureRecord]]) -> list[SignatureRecord]:
    """Every record once, oldest first; within a slot in the order of the first list."""
    placed: dict[str, tuple[int, int, SignatureRecord]] = {}
    for records in lists:
        for position, record in enumerate(records):
            placed.setdefault(record.signature, (record.slot, position, record))
    return [record for _, _, record in sorted(placed.values(), key=lambda item: item[:2])]


def _read(chain: Solana, signatures: Sequence[str]) -> list[TransactionView]:
    views: list[TransactionView] = []
    for start in range(0, len(signatures), READ_TOGETHER):
        part = signatures[start : start + READ_TOGETHER]
        for signature, view in zip(part, chain.transactions(part), strict=True):
            if view is None:
                raise RecoveryStuck(
                    f"{signature} is listed and no node can read it: add a node with full history"
                )
            views.append(view)
    return views


def _require_whole(
    chain: Solana,
    treasury: str,
    records: Sequence[SignatureRecord],
    views: Sequence[TransactionView],
) -> None:
    """Without an anchor: what is listed must explain every lamport of the treasury."""
    read = {view.signature for view in views}
    rest = _read(chain, [item.signature for item in records if item.signature not in read])
    explained = sum(view.changes.get(treasury, 0) for view in [*views, *rest])
    account = chain.account(treasury)
    held = account.lamports if account else 0
    if explained != held:
        raise RecoveryStuck(
            f"the treasury holds {held} lamports and its listed history explains {explained}:"
            " add nodes with full history, or wait for what is just arriving"
        )
