"""Everything that one seed draws: people, contents, money, the chain, and who settles it.

A *town* is the whole world of a run. Whatever is random comes from its one ``Random``: names,
amounts, ids, keys, faults, schedules. ``now`` is virtual; the chain's time and the settler's
wall clock move together until somebody sets the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final
from uuid import UUID

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.batch.keyring import Keyring
from functions.batch.tick import Terms
from pixr.adapters.keys import MasterSeed, Signer
from pixr.adapters.postgres import investments, wallets
from pixr.domain.earnings import Rules
from pixr.domain.limits import Limit
from pixr.domain.views import ViewEvent
from tests.fakes.cluster import FakeCluster
from tests.fakes.troubles import CALM, Troubles
from tests.fakes.truth import FinalTransaction
from tests.simulation.decode import Said, decode
from tests.simulation.mortal import MortalConnection
from tests.simulation.servers import Servers

BEGINNING: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
SOL: Final = 10**9
RENT: Final = 890_880
TRACE_LINES: Final = 40
TABLE_HEADER_BYTES: Final = 56


@dataclass(slots=True, kw_only=True)
class Clock:
    """The chain's time, and what people's clocks make of it."""

    cluster: FakeCluster
    quiet_s: float = 0.0
    """Seconds in which the chain stood still: a day of its slots would take a second to make."""
    skew: timedelta = timedelta()
    """How far the settler's wall clock is off."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self.cluster.now + self.quiet_s

    def now(self) -> datetime:
        """What a settler reads."""
        return self.true_now() + self.skew

    def true_now(self) -> datetime:
        """What everybody else reads."""
        return BEGINNING + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        """Never jumps."""
        return self.elapsed_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A video. Its best rung changes when an upgrade is published."""

    content_id: str
    creator_id: str
    duration_ms: int
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A withdrawal or investment that was accepted. ``destination`` is the withdrawal's own."""

    user_id: str
    lamports: int
    destination: str | None
    answer: dict[str, Any]
    repeat: Callable[[Any, datetime], dict[str, Any]]
    """Sends the very same request again."""
    alter: Callable[[Any, datetime], dict[str, Any]]
    """Sends another body under the same key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the database said of an attempt when a node first saw its signature."""

    signature: str
    batch_id: UUID
    kind: str
    payouts: tuple[tuple[UUID, str, str, int], ...]
    """(payout id, kind, destination, lamports), in the order of the transfers."""
    last_valid_block_height: int
    raw: bytes


@dataclass(kw_only=True, eq=False)
class Known:
    """What the run knows by itself, whatever becomes of the database."""

    events: dict[str, ViewEvent] = field(default_factory=dict)
    counted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Event → its row, as first seen; days are dropped, and what they earned is not."""
    drains_read: set[UUID] = field(default_factory=set)
    asked: dict[str, Asked] = field(default_factory=dict)
    """By withdrawal or investment id."""
    asking: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Withdrawal id → (user, destination), from before the first answer is there."""
    must_resend: bool = False
    """Redis lost views, or the database did: their producer has to send them again."""
    forgotten: set[str] = field(default_factory=set)
    """Of ``asked``: the database was restored to a point before it."""
    lost_since: datetime | None = None
    """The restore point, until what was lost is read back from the chain."""
    signed: dict[str, Signed] = field(default_factory=dict)
    rungs: dict[str, list[tuple[int, frozenset[UUID]]]] = field(default_factory=dict)
    """Content → (rung, the drains that were there before it was published), oldest first."""
    jobs: list[UUID] = field(default_factory=list)
    """Upgrade jobs that the outbox promised, with repetitions."""
    poisoned: set[str] = field(default_factory=set)
    accrued: Counter[str] = field(default_factory=Counter)
    """User → the most that ever accrued to them, in lamports."""
    airdropped: set[str] = field(default_factory=set)
    """Signatures of what came from outside."""
    counts: Counter[str] = field(default_factory=Counter)
    """For the summary."""


@dataclass(kw_only=True, eq=False)
class Town:
    """The world of one seed."""

    seed: int
    luck: Random
    servers: Servers
    clock: Clock
    cluster: FakeCluster
    keyring: Keyring
    terms: Terms
    users: list[str]
    contents: list[Content]
    known: Known = field(default_factory=Known)
    trace: list[str] = field(default_factory=list)
    final: dict[str, FinalTransaction] = field(default_factory=dict)
    """Every transaction that nothing can undo, oldest first, as the chain really is."""
    edges_read: int = 0
    _said: dict[bytes, Said] = field(default_factory=dict)

    @property
    def look(self) -> MortalConnection:
        """Looks at the database beside every process, and never dies."""
        return self.servers.admin

    def new_id(self) -> UUID:
        """An id that the seed decides."""
        return UUID(int=self.luck.getrandbits(128), version=4)

    def chance(self, probability: float) -> bool:
        """Toss the seed's coin."""
        return self.luck.random() < probability

    def pass_time(self, seconds: float) -> None:
        """Let the chain and every clock go on."""
        self.cluster.pass_time(seconds)

    def address_of(self, user_id: str) -> str:
        """The wallet of a user."""
        return self.keyring.seed.wallet(user_id).address

    def airdrop(self, address: str, lamports: int) -> None:
        """Money from outside."""
        self.known.airdropped.add(self.cluster.airdrop(address, lamports))

    def read_truth(self) -> None:
        """Learn what became final since the last time."""
        truth = self.cluster.truth
        for signature in islice(self.cluster.chain.landed, len(self.final), None):
            found = truth.find(signature)
            assert found is not None
            self.final[signature] = found

    def decode(self, raw: bytes) -> Said:
        """What signed bytes say; an entry of a lookup table never changes."""
        said = self._said.get(raw)
        if said is None:
            said = self._said[raw] = decode(raw, self._table)
        return said

    def _table(self, address: str) -> list[str]:
        account = self.cluster.chain.final_account(address)
        assert account is not None, f"{address} is no table that is final"
        listed = account.data[TABLE_HEADER_BYTES:]
        return [
            str(Pubkey.from_bytes(listed[start : start + 32]))
            for start in range(0, len(listed), 32)
        ]

    def stranger(self) -> str:
        """An address of somebody outside."""
        return str(Keypair.from_seed(self.luck.randbytes(32)).pubkey())

    def note(self, line: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{len(self.trace) + 1:4} {self.clock.elapsed_s:>9.0f} s  {line}")

    def rung_at(self, content_id: str, drain_id: UUID) -> int:
        """The best rung of a content as a drain found it."""
        for rung, drains in reversed(self.known.rungs[content_id]):
            if drain_id not in drains:
                return rung
        raise AssertionError(f"{drain_id} was there before {content_id}")

    @property
    def treasury(self) -> str:
        """The treasury's address."""
        return self.keyring.treasury.address

    @property
    def escrow(self) -> str:
        """The escrow's address."""
        return self.keyring.seed.escrow().address

    def count(self, what: str, number: int = 1) -> None:
        """Count something for the summary."""
        self.known.counts[what] += number


def found(seed: int, servers: Servers, *, troubles: Callable[[Random], Troubles]) -> Town:
    """Draw a town: who lives there, what is shown, who owns how much."""
    luck = Random(seed)
    servers.begin()
    users = [f"user-{number}" for number in range(luck.choice([2, 3, 5, 9, 20, 40]))]
    town = settled(
        seed=seed,
        luck=luck,
        servers=servers,
        nodes=luck.choice([1, 2, 3, 3, 4]),
        troubles=troubles(luck),
        terms=_terms(luck),
        users=users,
        contents=_contents(luck, users),
    )
    _endow(town)
    return town


def settled(
    *,
    seed: int,
    luck: Random,
    servers: Servers,
    nodes: int,
    troubles: Troubles = CALM,
    terms: Terms,
    users: list[str],
    contents: list[Content],
) -> Town:
    """A town in which everybody has a wallet, every film is known, and nobody has money."""
    cluster = FakeCluster(luck, nodes=nodes, troubles=troubles)
    town = Town(
        seed=seed,
        luck=luck,
        servers=servers,
        clock=Clock(cluster=cluster),
        cluster=cluster,
        keyring=Keyring(
            seed=MasterSeed(luck.randbytes(64)),
            treasury=Signer(Keypair.from_seed(luck.randbytes(32))),
        ),
        terms=terms,
        users=users,
        contents=contents,
    )
    now = town.clock.now()
    for user_id in users:
        wallets.pin(town.look, user_id, town.address_of(user_id), version=1, now=now)
    for content in contents:
        town.known.rungs[content.content_id] = [(480, frozenset())]
        _show(town, content)
    return town


def _terms(luck: Random) -> Terms:
    """Rates that make a few views worth a payout, and remainders likely."""
    fee_bps = luck.choice([0, 1, 500, 777, 2_500])
    share_bps = luck.choice([0, 1, 2_000, 3_333])
    tight = Limit(window_s=600, lamports_max=SOL // 2, treasury_bps_max=luck.choice([500, 9_000]))
    return Terms(
        rules=Rules(
            view_rate_lamports=luck.choice([1_234_567, 2_000_000, 7_654_321, 999_999]),
            platform_fee_bps=fee_bps,
            investor_share_bps=share_bps,
            views_per_viewer_day=luck.choice([1, 3]),
        ),
        minimum_lamports=luck.choice([RENT, 3_000_000, 10_000_000]),
        payees_max=luck.choice([1, 2, 5, 17, 50]),
        limits=luck.choice([(), (), (), (tight,)]),
        deadline_s=luck.choice([0, 600]),
        funding=timedelta(days=luck.choice([2, 30])),
        lookup_tables=luck.random() < 0.5,
    )


def _contents(luck: Random, users: list[str]) -> list[Content]:
    return [
        Content(
            content_id=f"film-{number}",
            creator_id=luck.choice(users),
            duration_ms=luck.choice([20_001, 59_999, 600_000]),
            is_live=luck.random() < 0.9,
        )
        for number in range(luck.randrange(1, len(users) + 1))
    ]


def _show(town: Town, content: Content) -> None:
    town.look.execute(
        "INSERT INTO contents (content_id, creator_id, state, source_key, source_bytes,"
        " width_px, height_px, duration_ms, frames, has_audio, best_rung, manifest_key,"
        " created_at) VALUES (%(id)s, %(creator)s, %(state)s, 'originals/x', 1000, 3840, 2160,"
        " %(duration)s, 1000, true, %(rung)s, %(manifest)s, %(now)s)",
        {
            "id": content.content_id,
            "creator": content.creator_id,
            "state": "live" if content.is_live else "awaiting",
            "duration": content.duration_ms,
            "rung": 480 if content.is_live else None,
            "manifest": "media/x" if content.is_live else None,
            "now": town.clock.now(),
        },
    )


def _endow(town: Town) -> None:
    luck = town.luck
    for user_id in town.users:
        if luck.random() < 0.4:
            town.airdrop(town.address_of(user_id), luck.randrange(RENT, SOL))
    for content in town.contents:
        if content.is_live and luck.random() < 0.5:
            investments.open_funding(
                town.look,
                content.content_id,
                luck.choice([720, 1080, 2160]),
                price_lamports=luck.randrange(2 * RENT, 40_000_000),
                quote={},
                now=town.clock.now(),
            )
    # Sometimes it cannot pay everybody, and waits for a top-up.
    funds = luck.choice([60_000_000, SOL // 2, 20 * SOL, 20 * SOL])
    town.airdrop(town.treasury, funds)
