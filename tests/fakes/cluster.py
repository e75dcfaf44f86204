"""A Solana cluster in memory, smaller than what it imitates and crueller than reality.

    FakeCluster ── luck: one seeded Random, the only source of misfortune
        ├─ nodes[i].post(body)   JSON-RPC over a Transport; each node lags, lies and forgets
        ├─ chain                 blocks, two branches at most, finality
        └─ truth                 what really happened, for the judge

Virtual time passes only by ``pass_time`` and, with troubles, inside calls. The same seed
and the same calls give the same run to the byte.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from tests.fakes import tables
from tests.fakes.chain import BLOCKHASH_AGE_MAX, GENESIS_TIME_S, Branch, Chain, Offer
from tests.fakes.letters import BANK_LAMPORTS, Bank
from tests.fakes.node import FakeNode
from tests.fakes.troubles import CALM, Troubles
from tests.fakes.truth import Seen, Truth
from tests.fakes.values import Account, rent_exempt_lamports
from tests.fakes.wire import LOOKUP_TABLES, Wire, decode, is_signed

SLOT_S: Final = 0.4
"""Until the first slot; afterwards the troubles say how long slots are."""
GENESIS_HASH: Final = str(Hash.from_bytes(b"a fake cluster, and a cruel one."))
FOREIGN_GENESIS_HASH: Final = str(Hash.from_bytes(b"another cluster, of no interest."))
FOREIGN_LEAD_BLOCKS: Final = 400
"""How much higher the other cluster is: its heights would prove anything expired."""
PROGRAM_LOADER: Final = "BPFLoaderUpgradeab1e11111111111111111111111"
PROGRAM_BYTES: Final = 36


class FakeCluster:
    """Blocks, forks, fees, rent, and several RPC nodes that cannot be trusted."""

    def __init__(
        self,
        luck: random.Random,
        *,
        nodes: int = 3,
        genesis_hash: str = GENESIS_HASH,
        troubles: Troubles = CALM,
    ) -> None:
        self.luck = luck
        self.now = 0.0
        """Virtual seconds since genesis."""
        self.chain = Chain(genesis_hash)
        self.truth = Truth(self)
        self.nodes = [FakeNode(self, number) for number in range(nodes)]
        self.on_call: Callable[[str, str], None] | None = None
        """Called as (moment, method) "before" and "after" every call, outside of any change."""
        self._abroad = Chain(FOREIGN_GENESIS_HASH)
        self._due_s = SLOT_S
        """When the next slot comes."""
        self._price = 0
        self._price_until_slot = 0
        self._bank = Bank(Keypair.from_seed(luck.randbytes(32)))
        self.chain.put_final(self.bank_address, Account(lamports=BANK_LAMPORTS))
        self._troubles = CALM
        self.troubles = troubles
        self.pass_slots(2)

    # ── misfortune ───────────────────────────────────────────────────────────

    @property
    def troubles(self) -> Troubles:
        """What goes wrong now. Assigning draws every node's character anew."""
        return self._troubles

    @troubles.setter
    def troubles(self, troubles: Troubles) -> None:
        self._troubles = troubles
        luck = self.luck
        has_bad_node = len(self.nodes) > 1 and (troubles.has_liar or troubles.has_foreigner)
        bad = self.nodes[luck.randrange(len(self.nodes))] if has_bad_node else None
        for node in self.nodes:
            node.silent_until_slot = 0
            node.hole_salt = luck.randrange(1 << 20)
            node.lag_slots = luck.randint(0, troubles.lag_slots_max)
            node.index_lag_slots = luck.randint(0, troubles.index_lag_slots_max)
            node.hides_forgetting = luck.random() < troubles.hides_forgetting
            node.is_foreign = node is bad and not troubles.has_liar
            lie = luck.randint(1, troubles.lie_blocks_max) * luck.choice([-1, 1])
            node.height_lie = lie if node is bad and troubles.has_liar else 0
        if troubles == CALM and self.chain.rival is not None:
            self._end_fork()
        if not troubles.stall:
            self.chain.stalled_until_height = 0
        if not troubles.halt:
            self._due_s = min(self._due_s, self.now + troubles.slot_ms / 1_000)

    def happens(self, probability: float) -> bool:
        """Ask luck; what cannot happen costs no draw."""
        return probability > 0 and self.luck.random() < probability

    def chain_of(self, node: FakeNode) -> Chain:
        """The chain that a node follows: ours, or that of another cluster."""
        if not node.is_foreign:
            return self.chain
        behind = self.chain.slot + FOREIGN_LEAD_BLOCKS - self._abroad.slot
        for _ in range(behind):
            self._abroad.slot += 1
            self._abroad.append(self._abroad.trunk, price=0)
            self._abroad.finalize()
        return self._abroad

    def moment(self, moment: str, method: str) -> None:
        """Let a little time pass, then let the harness do its worst.

        Args:
            moment: "before" or "after" what the call does.
            method: JSON-RPC method.
        """
        if self._troubles.pause_slots_max:
            self.pass_slots(self.luck.randint(0, self._troubles.pause_slots_max))
        if self.on_call is not None:
            self.on_call(moment, method)

    # ── time ─────────────────────────────────────────────────────────────────

    def pass_time(self, seconds: float) -> None:
        """Let virtual seconds pass, with the slots that are due in them."""
        self.now += seconds
        while self._due_s <= self.now:
            self._slot()

    def pass_slots(self, count: int) -> None:
        """Let that many slots pass, however long they take."""
        for _ in range(count):
            self.now = max(self.now, self._due_s)
            self._slot()

    def pass_blocks(self, count: int) -> None:
        """Let the trunk grow by that many blocks, over however many slots it takes."""
        target = self.chain.tip(self.chain.trunk).height + count
        while self.chain.tip(self.chain.trunk).height < target:
            self.pass_slots(1)

    def _slot(self) -> None:
        chain, luck, troubles = self.chain, self.luck, self._troubles
        chain.slot += 1
        chain.time_s = GENESIS_TIME_S + int(self._due_s)
        self._due_s += troubles.slot_ms / 1_000
        if self.happens(troubles.halt):
            self._due_s += luck.uniform(0, troubles.halt_s_max)
        price = self._price_now()
        if self.happens(troubles.skip):
            return
        branch = chain.trunk
        if chain.rival is not None and luck.random() < 1 / 2:
            branch = chain.rival
        if price:
            self._crowd_out(branch, price)
        chain.append(branch, price=price)
        self._fork_or_not()
        if self.happens(troubles.stall):
            height = chain.tip(chain.trunk).height + luck.randint(1, troubles.stall_blocks_max)
            chain.stalled_until_height = height
        chain.finalize()

    def _price_now(self) -> int:
        luck, troubles, slot = self.luck, self._troubles, self.chain.slot
        if self.happens(troubles.spike):
            self._price = luck.randint(1, troubles.spike_price_max)
            self._price_until_slot = slot + luck.randint(1, troubles.spike_slots_max)
        return self._price if slot < self._price_until_slot else 0

    def _fork_or_not(self) -> None:
        chain, luck, troubles = self.chain, self.luck, self._troubles
        if chain.rival is not None:
            if self.happens(troubles.fork_ends):
                self._end_fork()
        elif self.happens(troubles.fork):
            chain.fork(luck.randint(1, troubles.fork_blocks_max))
            for node in self.nodes:
                node.follows_rival = luck.random() < 1 / 2

    def _crowd_out(self, branch: Branch, price: int) -> None:
        """Let cheaper bids miss the next block."""
        height = self.chain.tip(branch).height + 1
        for offer in branch.offers:
            is_cheap = offer.due_height <= height and offer.wire.price < price
            if is_cheap and self.happens(self._troubles.crowding):
                offer.due_height = height + 1

    def _end_fork(self) -> None:
        dead = self.chain.decide(rival_wins=self.luck.random() < 1 / 2)
        for landed in dead:
            if self.happens(self._troubles.fork_returns):
                self._offer(landed.wire)

    # ── transactions on their way ────────────────────────────────────────────

    def receive(self, node: FakeNode, wire: Wire) -> None:
        """A node was given a transaction."""
        self.truth.seen.setdefault(
            wire.signature,
            Seen(
                signature=wire.signature,
                number=len(self.truth.seen) + 1,
                at_s=self.now,
                slot=self.chain.slot,
                raw=wire.raw,
            ),
        )
        troubles = self._troubles
        if node.is_foreign or not is_signed(wire.raw):
            return
        if self.happens(troubles.send_dropped):
            return
        self._offer(wire)
        if self.happens(troubles.send_twice):
            self._offer(wire)

    def _offer(self, wire: Wire) -> None:
        """Put a transaction on its way, on every branch with a luck of its own."""
        chain, luck, troubles = self.chain, self.luck, self._troubles
        for branch in [chain.trunk] if chain.rival is None else [chain.trunk, chain.rival]:
            due_height = chain.tip(branch).height + 1
            if self.happens(troubles.send_late):
                born = chain.height_of(wire.blockhash)
                last = (born or due_height) + BLOCKHASH_AGE_MAX + 1
                # Half of them come in the very last block that takes them.
                is_last = luck.random() < 1 / 2
                due_height = last if is_last else luck.randint(due_height, max(last, due_height))
            branch.offers.append(Offer(wire=wire, due_height=due_height))

    def may_land(self, raw: bytes) -> bool:
        """Whether a transaction that is not final may still become so."""
        wire, chain = decode(raw), self.chain
        if wire.signature in chain.landed:
            return False
        born = chain.height_of(wire.blockhash)
        return born is not None and chain.root.height <= born + BLOCKHASH_AGE_MAX

    # ── people outside ───────────────────────────────────────────────────────

    @property
    def bank_address(self) -> str:
        """Where money from outside comes from, and goes to."""
        return self._bank.address

    def airdrop(self, address: str, lamports: int) -> str:
        """Give money that is final at once; the transaction's signature."""
        gifts, is_versioned, luck = [(address, lamports)], False, self.luck
        if self.happens(self._troubles.odd_letters):
            is_versioned = luck.random() < 1 / 2
            if luck.random() < 1 / 2:
                gifts = [(address, lamports - lamports // 3), (address, lamports // 3)]
            if luck.random() < 1 / 2:
                self.give(gifts, fails=True)
        return self.give(gifts, is_versioned=is_versioned)

    def give(
        self, gifts: Sequence[tuple[str, int]], *, is_versioned: bool = False, fails: bool = False
    ) -> str:
        """Give (address, lamports) in one transaction, final at once; its signature."""
        root_hash = self.chain.root.hash
        wire = self._bank.gift(gifts, root_hash, is_versioned=is_versioned, fails=fails)
        return self.chain.land_final(wire).wire.signature

    def drain(self, owner: Keypair, *, left_lamports: int = 0) -> str:
        """Let the owner of an address spend what it holds, final at once.

        An address that was drained cannot take less than the rent-exempt minimum again,
        which makes it poison for a batch that was planned before.
        """
        held = self.truth.balance(str(owner.pubkey()))
        wire = self._bank.take(owner, held - left_lamports, self.chain.root.hash)
        return self.chain.land_final(wire).wire.signature

    def transfer_from_outside(self, address: str, lamports: int) -> str:
        """Send money the ordinary way: it lands in a block and may die with its branch."""
        wire = self._bank.gift([(address, lamports)], self.chain.root.hash)
        self._offer(wire)
        return wire.signature

    def become_program(self, address: str) -> None:
        """Turn an address into a program. The chain would still credit it."""
        self._become(address, owner=PROGRAM_LOADER, data=bytes(PROGRAM_BYTES), executable=True)

    def give_data(self, address: str, *, data_bytes: int = 165) -> None:
        """Turn an address into an account of another program, with data."""
        self._become(address, owner=PROGRAM_LOADER, data=bytes(data_bytes), executable=False)

    def reserve(self, address: str) -> None:
        """Make an address read-only for everybody, as a feature gate may: paying it fails."""
        self.chain.reserved |= {address}

    def give_table(self, addresses: Sequence[str]) -> str:
        """Make an address lookup table, final and usable at once; its address."""
        listed = b"".join(bytes(Pubkey.from_string(one)) for one in addresses)
        address = str(Pubkey(self.luck.randbytes(32)))
        data = tables.header(authority=None) + listed
        self._become(address, owner=LOOKUP_TABLES, data=data, executable=False)
        return address

    def remember(self) -> None:
        """Give every node its whole history back, as an archive would."""
        for node in self.nodes:
            node.first_slot = 0

    def _become(self, address: str, *, owner: str, data: bytes, executable: bool) -> None:
        was = self.chain.final_account(address)
        lamports = max(was.lamports if was else 0, rent_exempt_lamports(len(data)))
        self.chain.put_final(
            address, Account(lamports=lamports, owner=owner, data=data, executable=executable)
        )
