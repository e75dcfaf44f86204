"""The chain itself: slots, blocks, and how sure one may be of each.

    sendTransaction ──▶ queue ──next slot──▶ block h            processed  (tip)
                                             block h - 1        confirmed
                                             block h - 31       finalized

A transaction waits in the queue until a slot comes, then lands or vanishes. Each
commitment level is a block; reading at a level shows the accounts as they were
after that block, which is found by undoing the younger ones.

Every twentieth slot is skipped, as on mainnet where some leaders are late, so
that nobody mistakes slots for block heights.

Source:
    https://solana.com/docs/rpc#configuring-state-commitment
    https://solana.com/docs/advanced/confirmation (the 151 most recent hashes)
"""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from solders.account import Account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token import ID as TOKEN_PROGRAM
from solders.token.state import Mint

from pixr.local.chain import nonces
from pixr.local.chain.encoding import memo_of, meta_json
from pixr.local.chain.faults import LAG_BLOCKS_MAX
from pixr.local.chain.ledger import BLOCKHASH_AGE_MAX, Block, BlockPrices, Landed, Ledger
from pixr.local.chain.runtime import Accounts, Outcome, Runtime
from pixr.local.chain.wire import AnyMessage, WireTransaction

DEPTH_OF: Final = {"processed": 0, "confirmed": 1, "finalized": 31}
"""How many blocks lie on top of the newest block of each commitment level."""

UNDOS_MAX: Final = DEPTH_OF["finalized"] + LAG_BLOCKS_MAX
"""How many blocks can be undone: a node may lag behind."""

RECENT_BLOCKS: Final = 300
"""How far back signature statuses are known without searching history."""

SLOT_HASHES: Final = 512
SKIPPED_SLOT_EVERY: Final = 20
QUEUE_LENGTH_MAX: Final = 20_000
SLOT_SHARE_EXECUTING: Final = 0.5
"""The rest of a slot's time belongs to answering requests."""

WRAPPED_SOL_MINT: Final = Pubkey.from_string("So11111111111111111111111111111111111111112")
FAUCET_LAMPORTS: Final = 500_000_000 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A transaction with good signatures that waits for a block."""

    transaction: WireTransaction
    message_hash: str


class Chain:
    """All state of the cluster, advanced one slot at a time by ``tick``."""

    def __init__(self, ledger: Ledger, *, slot_ms: int, takes_v1: bool = False) -> None:
        self.ledger = ledger
        self.takes_v1 = takes_v1
        """Whether v1 messages are taken, as mainnet may do one day."""
        self.runtime = Runtime()
        self._slot_s = slot_ms / 1000
        if ledger.fact("genesis_hash") is None:
            self._create_genesis()
        else:
            for address, account in ledger.accounts():
                self.runtime.put(address, account)
        self.genesis_hash = ledger.fact("genesis_hash") or ""
        self.faucet = Keypair.from_seed(bytes.fromhex(ledger.fact("faucet_seed") or ""))
        self._recent: deque[Block] = deque(ledger.newest_blocks(SLOT_HASHES), maxlen=SLOT_HASHES)
        # Newest first, as the runtime wants them; reading 512 hashes anew in each slot was half of
        # what an idle chain did.
        self._slot_hashes = deque(map(_slot_hash, reversed(self._recent)), maxlen=SLOT_HASHES)
        self._height_of = {block.blockhash: block.height for block in self._recent}
        self._slot = self.tip.slot
        # Nothing that was stored can be rolled back, so a restart finalizes it.
        self._finalized_height_min = self.tip.height
        self._undos: deque[tuple[int, Accounts]] = deque(maxlen=UNDOS_MAX)
        self._queue: list[Queued] = []
        self.transaction_count = ledger.transaction_count()
        self._begin_slot(self.tip.slot, now_s=self.tip.time_s)

    # ── reading ──────────────────────────────────────────────────────────────

    @property
    def tip(self) -> Block:
        """The newest block."""
        return self._recent[-1]

    def tip_blockhash(self) -> Hash:
        """The newest blockhash, ready to be signed over."""
        return Hash.from_string(self.tip.blockhash)

    def block_at(self, commitment: str, *, lag_blocks: int = 0) -> Block:
        """The newest block that has reached ``commitment``, ``lag_blocks`` blocks ago."""
        depth = DEPTH_OF[commitment] + lag_blocks
        if depth == 0:
            return self.tip
        height = max(self.tip.height - depth, self._finalized_height_min)
        return self._recent[height - self.tip.height - 1]

    def recent_blocks(self, count: int) -> list[Block]:
        """The last ``count`` blocks, oldest first."""
        return list(self._recent)[-count:]

    def account(self, address: Pubkey, block: Block) -> Account | None:
        """Read an account as it was after ``block``."""
        for height, undo in self._undos:
            if height > block.height and address in undo:
                return undo[address]
        return self.runtime.account(address)

    def past(self, addresses: Iterable[Pubkey], block: Block) -> Accounts:
        """Those of ``addresses`` that changed since ``block``, as they were then."""
        found: Accounts = {}
        for height, undo in reversed(self._undos):
            if height > block.height:
                found.update({key: undo[key] for key in addresses if key in undo})
        return found

    def is_recent(self, blockhash: str, block: Block) -> bool:
        """Whether ``block`` knows the hash, and knows it still."""
        height = self._height_of.get(blockhash)
        return height is not None and 0 <= block.height - height <= BLOCKHASH_AGE_MAX

    # ── writing ──────────────────────────────────────────────────────────────

    def submit(self, transaction: WireTransaction) -> None:
        """Queue ``transaction`` for the next block.

        Like a validator's port, this never says no: a bad signature or a full
        queue loses the transaction in silence.
        """
        message_hash = transaction.verified_message_hash()
        if message_hash is not None and len(self._queue) < QUEUE_LENGTH_MAX:
            self._queue.append(Queued(transaction=transaction, message_hash=str(message_hash)))

    def tick(self, *, now_s: int) -> Block | None:
        """Let one slot pass.

        Returns:
            The block that was made, or None when the slot was skipped.
        """
        self._slot += 1
        if self._slot % SKIPPED_SLOT_EVERY == 0:
            return None
        self._begin_slot(self._slot, now_s=now_s)
        block = self._produce(now_s)
        if len(self._recent) == SLOT_HASHES:
            del self._height_of[self._recent[0].blockhash]
        self._recent.append(block)
        self._slot_hashes.appendleft(_slot_hash(block))
        self._height_of[block.blockhash] = block.height
        return block

    def _produce(self, now_s: int) -> Block:
        parent = self.tip
        undo: Accounts = {}
        now: Accounts = {}
        prices: dict[str, int] = {}
        price_min: int | None = None
        digest = hashlib.sha256(f"{parent.blockhash}/{self._slot}".encode())
        position = 0
        with self.ledger.one_block():
            for queued in self._take_queued():
                outcome = self._run(queued, position=position)
                if outcome is None:
                    continue
                position += 1
                for key, account in outcome.before.items():
                    undo.setdefault(key, account)
                now.update(outcome.after)
                digest.update(bytes(queued.transaction.signature))
                price = queued.transaction.price_microlamports
                price_min = price if price_min is None else min(price_min, price)
                for address in map(str, outcome.accounts.written()):
                    prices[address] = min(prices.get(address, price), price)
            block = Block(
                slot=self._slot,
                height=parent.height + 1,
                blockhash=str(Hash.from_bytes(digest.digest())),
                parent_slot=parent.slot,
                parent_hash=parent.blockhash,
                time_s=now_s,
                prices=BlockPrices(minimum=price_min or 0, minimum_of_account=prices),
            )
            self.ledger.put_accounts(now)
            self.ledger.add_block(block)
        self._undos.append((block.height, undo))
        self.transaction_count += position
        return block

    def _take_queued(self) -> Iterable[Queued]:
        """Yield the queue, best price first, until the slot's time is used up."""
        self._queue.sort(key=lambda queued: -queued.transaction.price_microlamports)
        deadline_s = time.monotonic() + self._slot_s * SLOT_SHARE_EXECUTING
        taken = 0
        for queued in self._queue:
            if taken and time.monotonic() > deadline_s:
                break
            taken += 1
            yield queued
        del self._queue[:taken]

    def _run(self, queued: Queued, *, position: int) -> Outcome | None:
        """Execute and record one transaction; None when it does not land."""
        transaction = queued.transaction
        nonce: Pubkey | None = None
        if not self.is_recent(str(transaction.blockhash), self.tip):
            nonce = self._nonce(transaction.message, self.tip)
            if nonce is None:
                return None
        if self.ledger.has_message(queued.message_hash, slot_max=self._slot):
            return None
        held = None if nonce is None else self.runtime.account(nonce)
        outcome = self.runtime.execute(transaction.transaction)
        if not outcome.landed:
            return None
        if nonce is not None and held is not None and outcome.error is not None:
            moved = nonces.moved_on(held, self.tip_blockhash())
            self.runtime.put(nonce, moved)
            outcome = nonces.with_moved(outcome, nonce, held, moved)
        self.ledger.add_transaction(
            Landed(
                signature=str(transaction.signature),
                message_hash=queued.message_hash,
                slot=self._slot,
                position=position,
                wire_bytes=transaction.wire_bytes,
                meta=meta_json(outcome),
                memo=memo_of(transaction.message),
            ),
            outcome.accounts.keys,
        )
        return outcome

    def simulate(
        self,
        transaction: WireTransaction,
        block: Block,
        message_hash: str,
        *,
        replaces_blockhash: bool = False,
    ) -> Outcome | str:
        """Run ``transaction`` on the state after ``block`` and keep nothing.

        Args:
            transaction: What to run; its signatures are not checked here.
            block: Whose state to run on.
            message_hash: By which a repeat is recognised.
            replaces_blockhash: Run it as if it had a fresh blockhash, which also
                makes it another message than any that landed.

        Returns:
            An ``Outcome``, or the name of the transaction error when the
            transaction would not even start.
        """
        if not replaces_blockhash:
            is_recent = self.is_recent(str(transaction.blockhash), block)
            if not is_recent and self._nonce(transaction.message, block) is None:
                return "BlockhashNotFound"
            if self.ledger.has_message(message_hash, slot_max=block.slot):
                return "AlreadyProcessed"
        addresses = self.runtime.resolve(transaction.message).keys
        return self.runtime.simulate(transaction.transaction, past=self.past(addresses, block))

    def _nonce(self, message: AnyMessage, block: Block) -> Pubkey | None:
        """The nonce account that lets ``message`` land after ``block``; None: nothing does."""
        address = nonces.named_by(message)
        if address is None or not nonces.is_usable(message, self.account(address, block)):
            return None
        return address

    def _begin_slot(self, slot: int, *, now_s: int) -> None:
        self.runtime.begin_slot(slot, now_s=now_s, slot_hashes=list(self._slot_hashes))

    def _create_genesis(self) -> None:
        genesis_hash = str(Hash.from_bytes(os.urandom(32)))
        faucet = Keypair()
        mint = bytes(Mint(None, 0, 9, is_initialized=True, freeze_authority=None))
        mint_lamports = self.runtime.rent_exempt_lamports(len(mint))
        accounts: Accounts = {
            faucet.pubkey(): Account(FAUCET_LAMPORTS, b"", SYSTEM_PROGRAM),
            # LiteSVM brings the Token program but not the mint of wrapped SOL.
            WRAPPED_SOL_MINT: Account(mint_lamports, mint, TOKEN_PROGRAM),
        }
        for address, account in accounts.items():
            self.runtime.put(address, account)
        with self.ledger.one_block():
            self.ledger.set_fact("genesis_hash", genesis_hash)
            self.ledger.set_fact("faucet_seed", faucet.secret().hex())
            self.ledger.put_accounts(accounts)
            self.ledger.add_block(
                Block(
                    slot=0,
                    height=0,
                    blockhash=genesis_hash,
                    parent_slot=0,
                    parent_hash=str(Hash.default()),
                    time_s=int(time.time()),
                    prices=BlockPrices(minimum=0, minimum_of_account={}),
                )
            )


def _slot_hash(block: Block) -> tuple[int, Hash]:
    return block.slot, Hash.from_string(block.blockhash)
