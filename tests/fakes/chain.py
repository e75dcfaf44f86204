"""The cluster's one chain: blocks, two branches at most, and what is final.

    finalized ─▶ □ ─▶ □ ─▶ □ ─▶ □ ─▶ □      trunk
                       └─▶ □ ─▶ □             rival: some nodes follow it, one of the two dies

A transaction is *offered*, waits until its block is due, and lands or vanishes in silence.
It may land on both branches and die with one of them. A block is final when 31 others lie
on it and no rival disputes it; what is final never changes, which is all that anybody may
rely on.

The chain knows no misfortune of its own: ``cluster.py`` decides when slots are skipped,
branches fork and finality stalls.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from solders.hash import Hash

from tests.fakes.runtime import BUILT_IN, EMPTY, RESERVED, execute
from tests.fakes.values import Account, Moment
from tests.fakes.wire import Wire

BLOCKHASH_AGE_MAX: Final = 150
FINALITY_BLOCKS: Final = 31
SLOT_HASHES: Final = 512
"""So many of the newest blocks programs can name by their slots."""
GENESIS_TIME_S: Final = 1_893_456_000
"""2030-01-01, which is when every simulated run begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A transaction in a block, failed or not."""

    wire: Wire
    slot: int
    height: int
    position: int
    time_s: int
    error: Any
    fee_lamports: int
    units: int
    keys: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Block:
    """One block: where it stands and what it changed."""

    slot: int
    height: int
    hash: str
    time_s: int
    price: int
    """What it took to get in, in micro-lamports per compute unit; 0 when there was room."""
    changes: dict[str, Account | None] = field(default_factory=dict)
    landed: list[Landed] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Offer:
    """A transaction on its way into a block of at least that height."""

    wire: Wire
    due_height: int


@dataclass(slots=True, kw_only=True)
class Branch:
    """The blocks above the last final one, and the accounts at their end."""

    blocks: list[Block]
    state: dict[str, Account | None]
    landed: dict[str, Landed] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)


class Chain:
    """All blocks of one cluster."""

    def __init__(self, genesis_hash: str) -> None:
        self.genesis_hash = genesis_hash
        self.slot = 0
        self.time_s = GENESIS_TIME_S
        """Unix time of the slot."""
        genesis = Block(slot=0, height=0, hash=genesis_hash, time_s=GENESIS_TIME_S, price=0)
        self.finalized = [genesis]
        """Every final block; its position is its height."""
        self.landed: dict[str, Landed] = {}
        """Every final transaction, in the order of the chain."""
        self.appearances: dict[str, list[Landed]] = {}
        """Address → its final transactions, oldest first."""
        self.roots: list[tuple[int, int]] = [(0, 0)]
        """(slot, height): from that slot on, that height was final."""
        self.trunk = Branch(blocks=[], state=dict(BUILT_IN))
        self.rival: Branch | None = None
        self.fork_height = 0
        """The last block that trunk and rival share."""
        self.stalled_until_height = 0
        """Nothing becomes final before the trunk is that high."""
        self.reserved = RESERVED
        self._history: dict[str, tuple[list[int], list[Account | None]]] = {
            address: ([0], [account]) for address, account in BUILT_IN.items()
        }
        self._height_of = {genesis_hash: 0}

    # ── reading ──────────────────────────────────────────────────────────────

    @property
    def root(self) -> Block:
        """The last final block."""
        return self.finalized[-1]

    def tip(self, branch: Branch) -> Block:
        """The newest block of a branch."""
        return branch.blocks[-1] if branch.blocks else self.finalized[-1]

    def block(self, branch: Branch, height: int) -> Block:
        """The block of a branch at a height that it has reached."""
        count = len(self.finalized)
        return self.finalized[height] if height < count else branch.blocks[height - count]

    def account(self, branch: Branch, address: str, height: int) -> Account | None:
        """An account as it was after the block at ``height``."""
        for index in range(height - len(self.finalized), -1, -1):
            changes = branch.blocks[index].changes
            if changes and address in changes:
                return changes[address]
        return self.final_account(address, height)

    def final_account(self, address: str, height: int | None = None) -> Account | None:
        """An account after the final block at ``height``, or the last one before it."""
        known = self._history.get(address)
        if known is None:
            return None
        heights, accounts = known
        index = len(heights) if height is None else bisect_right(heights, height)
        return accounts[index - 1] if index else None

    def root_at(self, slot: int) -> int:
        """The height that was final when ``slot`` passed."""
        return self.roots[bisect_right(self.roots, (slot, len(self.finalized))) - 1][1]

    def is_recent(self, branch: Branch, blockhash: str, height: int) -> bool:
        """Whether the block after ``height`` would take a transaction with that hash."""
        at = self._height_of.get(blockhash)
        return (
            at is not None
            and 0 <= height - at <= BLOCKHASH_AGE_MAX
            and self.block(branch, at).hash == blockhash
        )

    def moment(self, branch: Branch, *, slot: int, parent_height: int) -> Moment:
        """What programs can tell of a slot of that branch whose parent stands there."""

        def is_recent(asked: int) -> bool:
            for blocks in (branch.blocks, self.finalized):
                index = bisect_left(blocks, asked, key=_slot_of)
                if index < len(blocks) and blocks[index].slot == asked:
                    return 0 <= parent_height - blocks[index].height < SLOT_HASHES
            return False

        return Moment(slot=slot, is_recent_slot=is_recent)

    def height_of(self, blockhash: str) -> int | None:
        """Where the block with that hash stands, or stood before its branch died."""
        return self._height_of.get(blockhash)

    # ── growing ──────────────────────────────────────────────────────────────

    def append(self, branch: Branch, *, price: int) -> Block:
        """Put a block on a branch, with every offer that is due and may land."""
        parent = self.tip(branch)
        height = parent.height + 1
        digest = hashlib.sha256(f"{parent.hash}/{self.slot}".encode()).digest()
        block = Block(
            slot=self.slot,
            height=height,
            hash=str(Hash.from_bytes(digest)),
            time_s=self.time_s,
            price=price,
        )
        self._height_of[block.hash] = height
        if branch.offers:
            due = [offer for offer in branch.offers if offer.due_height <= height]
            branch.offers = [offer for offer in branch.offers if offer.due_height > height]
            due.sort(key=lambda offer: -offer.wire.price)
            for offer in due:
                self._land(branch, block, offer.wire)
        branch.blocks.append(block)
        return block

    def _land(self, branch: Branch, block: Block, wire: Wire) -> None:
        if not self.is_recent(branch, wire.blockhash, block.height - 1):
            return
        if wire.signature in self.landed or wire.signature in branch.landed:
            return
        moment = self.moment(branch, slot=block.slot, parent_height=block.height - 1)
        outcome = execute(wire, branch.state.get, reserved=self.reserved, moment=moment)
        if not outcome.landed:
            return
        landed = Landed(
            wire=wire,
            slot=block.slot,
            height=block.height,
            position=len(block.landed),
            time_s=block.time_s,
            error=outcome.error,
            fee_lamports=outcome.fee_lamports,
            units=outcome.units,
            keys=outcome.keys,
            before=outcome.before,
            after=outcome.after,
        )
        block.landed.append(landed)
        branch.landed[wire.signature] = landed
        block.changes.update(outcome.changes)
        branch.state.update(outcome.changes)

    def finalize(self) -> None:
        """Make final what is deep enough and undisputed."""
        tip_height = self.tip(self.trunk).height
        target = tip_height - FINALITY_BLOCKS
        if self.rival is not None:
            target = min(target, self.fork_height)
        if tip_height < self.stalled_until_height or target <= self.root.height:
            return
        for _ in range(target - self.root.height):
            block = self.trunk.blocks.pop(0)
            if self.rival is not None:
                self.rival.blocks.pop(0)
            self._settle(block)
        self.roots.append((self.slot, self.root.height))

    def _settle(self, block: Block) -> None:
        self.finalized.append(block)
        for address, account in block.changes.items():
            heights, accounts = self._history.setdefault(address, ([], []))
            heights.append(block.height)
            accounts.append(account)
        for landed in block.landed:
            self._record(landed)
            self.trunk.landed.pop(landed.wire.signature, None)
            if self.rival is not None:
                self.rival.landed.pop(landed.wire.signature, None)

    def _record(self, landed: Landed) -> None:
        self.landed[landed.wire.signature] = landed
        for address in dict.fromkeys(landed.keys):
            self.appearances.setdefault(address, []).append(landed)

    # ── forking ──────────────────────────────────────────────────────────────

    def fork(self, depth: int) -> None:
        """Let a rival grow from ``depth`` blocks below the tip, not below what is final."""
        assert self.rival is None
        kept = max(len(self.trunk.blocks) - depth, 0)
        dropped = self.trunk.blocks[kept:]
        self.fork_height = self.root.height + kept
        state = dict(self.trunk.state)
        for address in dict.fromkeys(key for block in dropped for key in block.changes):
            state[address] = self.account(self.trunk, address, self.fork_height)
        self.rival = Branch(
            blocks=self.trunk.blocks[:kept],
            state=state,
            landed={
                signature: landed
                for signature, landed in self.trunk.landed.items()
                if landed.height <= self.fork_height
            },
            offers=[replace(offer) for offer in self.trunk.offers],
        )

    def decide(self, *, rival_wins: bool) -> list[Landed]:
        """End a fork.

        Returns:
            The transactions that died with the loser and are not on the winner.
        """
        assert self.rival is not None
        winner, loser = (self.rival, self.trunk) if rival_wins else (self.trunk, self.rival)
        self.trunk, self.rival = winner, None
        return [
            landed
            for signature, landed in loser.landed.items()
            if signature not in winner.landed and signature not in self.landed
        ]

    # ── from outside ─────────────────────────────────────────────────────────

    def put_final(self, address: str, account: Account | None) -> None:
        """Make an account something else, everywhere and for good.

        On branches whose blocks touched it, what they left of its lamports is kept.
        """
        was = self.final_account(address) or EMPTY
        now = account or EMPTY
        # By identity: trunk and rival share the blocks below the fork.
        touched = {
            id(block.changes): block.changes
            for branch in self._branches()
            for block in branch.blocks
            if address in block.changes
        }
        touched |= {id(branch.state): branch.state for branch in self._branches()}
        for changes in touched.values():
            later = changes.get(address) or EMPTY
            lamports = max(later.lamports + now.lamports - was.lamports, 0)
            changes[address] = replace(now, lamports=lamports) if lamports else None
        heights, accounts = self._history.setdefault(address, ([], []))
        heights.append(self.root.height)
        accounts.append(account)

    def land_final(self, wire: Wire) -> Landed:
        """Put a transaction at the end of the last final block, as if it had been there."""
        outcome = execute(wire, self.final_account, reserved=self.reserved)
        assert outcome.landed, outcome.error
        root = self.root
        landed = Landed(
            wire=wire,
            slot=root.slot,
            height=root.height,
            position=len(root.landed),
            time_s=root.time_s,
            error=outcome.error,
            fee_lamports=outcome.fee_lamports,
            units=outcome.units,
            keys=outcome.keys,
            before=outcome.before,
            after=outcome.after,
        )
        root.landed.append(landed)
        self._record(landed)
        for address, account in outcome.changes.items():
            self.put_final(address, account)
        return landed

    def _branches(self) -> Sequence[Branch]:
        return [self.trunk] if self.rival is None else [self.trunk, self.rival]

    def balances(self) -> Mapping[str, int]:
        """Final lamports of every address that was ever touched."""
        return {
            address: account.lamports if (account := accounts[-1]) else 0
            for address, (_, accounts) in self._history.items()
        }


def _slot_of(block: Block) -> int:
    return block.slot
