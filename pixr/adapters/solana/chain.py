"""The nodes together: reads take the first that answers, proofs ask each one.

Every look at a transaction is a *sighting* per node (``pixr.domain.payouts``), never a bool: a
node that fails, lags or has forgotten says ``Unknown`` or ``Absent``, and the domain decides
what that proves. Sending proves nothing at all, so ``send`` returns nothing.

The transport is urllib3 and json rather than solana-py's client, which can raise an exception
outside ``Exception`` after the network took the transaction (solana-facts.md §8).
"""

import base64
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final, TypeVar

from pixr.adapters.solana import answers, history, sightings
from pixr.adapters.solana.answers import field
from pixr.adapters.solana.errors import ChainUnreachable, NodeError
from pixr.adapters.solana.node import TIMEOUT_S, Node
from pixr.adapters.solana.refusals import blame
from pixr.adapters.solana.transport import HttpTransport, Transport
from pixr.adapters.solana.values import (
    AccountView,
    Blockhash,
    SignatureRecord,
    TransactionView,
)
from pixr.domain.payouts import Passes, Refuses, Rehearsal, Search, Sighting, Unknown

T = TypeVar("T")
R = TypeVar("R")

WORKERS: Final = 8
ACCOUNTS_PER_CALL_MAX: Final = 100
"""Limit of getMultipleAccounts."""
BLOCKHASH_BLOCKS: Final = 150
"""So many blocks after its own a blockhash can be used."""
CLAIM_BLOCKS_MAX: Final = 300
"""A height that is said to be valid this far above the chain's own is a lie or a mistake."""
REHEARSING_NODES: Final = 2


class Solana:
    """The chain, as its nodes tell it. Safe to share between threads."""

    def __init__(
        self,
        nodes: Sequence[str | Transport | Node],
        *,
        genesis_hash: str | None = None,
        workers: int = WORKERS,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Ask nothing yet.

        Args:
            nodes: URLs, transports or nodes; the order is the order in which reads ask them.
            genesis_hash: The chain that each node must be of; None takes any.
            workers: Calls at once to one node. 1 makes every call one after the other, in the
                caller's own thread.
            timeout_s: Seconds for one call to a node, its retry included.
            clock: Seconds, for the breakers.
            sleep: Waits before a retry.
            jitter: 0 to 1, spreads retries.
        """
        assert nodes
        assert workers > 0
        self.nodes = [
            node
            if isinstance(node, Node)
            else Node(
                HttpTransport(node) if isinstance(node, str) else node,
                timeout_s=timeout_s,
                clock=clock,
                sleep=sleep,
                jitter=jitter,
            )
            for node in nodes
        ]
        if genesis_hash is not None:
            for node in self.nodes:
                node.genesis_hash = genesis_hash
        self._workers = workers

    # ── reads: the first node that answers ───────────────────────────────────

    def slot(self) -> int:
        """The last finalized slot."""
        return self._read(answers.integer, "getSlot", {"commitment": "finalized"})

    def finalized_height(self) -> int:
        """The last finalized block height."""
        return self._read(answers.integer, "getBlockHeight", {"commitment": "finalized"})

    def genesis_hash(self) -> str:
        """Which chain this is, by the word of every node that answers.

        Raises:
            ChainUnreachable: None answers, or they are of different chains.
        """
        found: list[str] = []
        failures: list[str] = []
        for node in self.nodes:
            try:
                found.append(node.read(answers.blockhash, "getGenesisHash"))
            except NodeError as error:
                failures.append(f"{node.name}: {error}")
        if len(set(found)) != 1:
            said = ", ".join(sorted(set(found)))
            raise ChainUnreachable(f"nodes of several chains: {said}" if said else str(failures))
        return found[0]

    def account(self, address: str) -> AccountView | None:
        """Return the finalized account, or None when there is none at ``address``."""
        return self.accounts([address])[0]

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """Return the finalized account of each address, in order; None where there is none.

        The data stays on the node: an address that somebody filled with 10 MiB costs nothing.
        """
        options = {
            "commitment": "finalized",
            "encoding": "base64",
            "dataSlice": {"offset": 0, "length": 0},
        }

        def page_of(page: Sequence[str]) -> list[AccountView | None]:
            reader = answers.in_context(answers.list_of(answers.as_it_is, length=len(page)))

            def read(value: Any) -> list[AccountView | None]:
                found = reader(value)
                return [_account(item, found.slot) for item in found.value]

            return self._read(read, "getMultipleAccounts", list(page), options)

        pages = [
            addresses[start : start + ACCOUNTS_PER_CALL_MAX]
            for start in range(0, len(addresses), ACCOUNTS_PER_CALL_MAX)
        ]
        return [view for page in self._each(page_of, pages) for view in page]

    def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
        """Slot → price in micro-lamports per unit that landed while writing ``accounts``."""
        samples = self._read(
            answers.list_of(_fee_sample), "getRecentPrioritizationFees", list(accounts)
        )
        return dict(samples)

    def blockhash(self) -> Blockhash:
        """A recent blockhash, and the last height at which it can land.

        A node may lie about that height in both directions. Too high only costs time: we wait
        longer before we declare an attempt dead. Too low costs money: we would sign again while
        the first attempt can still land. So the height is the highest of the giver's claim and of
        each node's own height + 150, read *after* the blockhash was given; and what lies more
        than ``CLAIM_BLOCKS_MAX`` above the median of those heights is left out, because a batch
        would wait for it for ever.

        Raises:
            ChainUnreachable: No node gives both a blockhash and its height.
        """

        def give(node: Node) -> tuple[Blockhash, int]:
            given = node.read(_blockhash, "getLatestBlockhash", {"commitment": "confirmed"})
            return given, _confirmed_height(node)

        giver, (given, own_height) = self._first(give)
        others = [node for node in self.nodes if node is not giver]
        told = self._each(_height_or_none, others)
        heights = [own_height, *(height for height in told if height is not None)]
        # Of two, the higher: one that lags must not make the other's truth a lie.
        bound = statistics.median_high(heights) + CLAIM_BLOCKS_MAX
        claims = [given.last_valid_block_height, *(height + BLOCKHASH_BLOCKS for height in heights)]
        return Blockhash(
            hash=given.hash,
            slot=given.slot,
            last_valid_block_height=max(claim for claim in claims if claim <= bound),
        )

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions of ``address`` after ``until``, oldest first.

        Raises:
            ChainUnreachable: No node answered.
            HistoryTooLong: There are more than ``history.PAGES_MAX`` pages.
        """
        _, records = self._first(lambda node: history.walk(node, address, until=until))
        return records[::-1]

    def transaction(self, signature: str) -> TransactionView | None:
        """A finalized transaction; None when nodes answer and none of them has it."""
        failures: list[str] = []
        for node in self.nodes:
            try:
                found = history.transaction(node, signature)
            except NodeError as error:
                failures.append(f"{node.name}: {error}")
                continue
            if found is not None:
                return found
        if len(failures) == len(self.nodes):
            raise ChainUnreachable("; ".join(failures))
        return None

    def transactions(self, signatures: Sequence[str]) -> list[TransactionView | None]:
        """Many finalized transactions, in order, several calls at a time."""
        return self._each(self.transaction, signatures)

    def walks(
        self, address: str, *, until: str | None, pages_max: int
    ) -> list[list[SignatureRecord] | NodeError]:
        """What each node knows of the address's finalized past after ``until``, oldest first.

        Raises:
            HistoryTooLong: It is longer than ``pages_max`` pages on some node.
        """

        def walk(node: Node) -> list[SignatureRecord] | NodeError:
            try:
                return history.walk(node, address, until=until, pages_max=pages_max)[::-1]
            except NodeError as error:
                return error

        return self._all(walk)

    def balance_change(self, signature: str, address: str) -> int:
        """Lamports that a finalized transaction added to ``address`` (negative: took)."""
        found = self.transaction(signature)
        if found is None:
            raise ChainUnreachable(f"{signature} is listed but cannot be read yet")
        return found.changes[address]

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        """Let a node try each transaction as if it landed now; nothing is kept or sent.

        Signatures are not looked at and the blockhash is replaced. What passes may still fail.
        """
        return self._each(self._rehearse, raws)

    # ── what each node is asked ──────────────────────────────────────────────

    def send(self, raws: Sequence[bytes]) -> None:
        """Offer every transaction to every node that is not left alone just now.

        Returning proves nothing, and no node's answer raises: whether it landed, ``look_up``
        tells.
        """
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        texts = [base64.b64encode(raw).decode() for raw in raws]

        def offer_all(node: Node) -> None:
            def offer(text: str) -> bool:
                try:
                    node.call("sendTransaction", text, options)
                except NodeError:
                    # It may have been taken all the same.
                    return False
                return True

            self._each(offer, texts)

        self._all(offer_all)

    def look_up(self, searches: Sequence[Search]) -> list[list[Sighting]]:
        """Ask every node what it knows of each batch.

        Returns:
            For each search one sighting of each node, in the order of ``nodes``.
        """
        if not searches:
            return []
        by_node = self._all(lambda node: sightings.look(node, searches, self._each))
        return [list(of_search) for of_search in zip(*by_node, strict=True)]

    # ── how they are asked ───────────────────────────────────────────────────

    def _read(self, reader: Callable[[Any], T], method: str, *params: Any) -> T:
        return self._first(lambda node: node.read(reader, method, *params))[1]

    def _first(self, ask: Callable[[Node], T]) -> tuple[Node, T]:
        """Return the first node that answers, and its answer.

        Raises:
            ChainUnreachable: None does.
        """
        failures: list[str] = []
        shut = {id(node): node.breaker.open_until_s for node in self.nodes}
        healthy = [node for node in self.nodes if shut[id(node)] is None]
        if not healthy:
            # Nothing tried would mean nothing known for as long as the breakers stay open.
            first = min(self.nodes, key=lambda node: shut[id(node)] or 0.0)
            first.breaker.force()
            healthy = [first]
        for node in healthy:
            try:
                return node, ask(node)
            except NodeError as error:
                failures.append(f"{node.name}: {error}")
        raise ChainUnreachable("; ".join(failures))

    def _each(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call ``act`` for each item, ``workers`` at a time; no thread outlives the call."""
        if self._workers == 1 or len(items) <= 1:
            return [act(item) for item in items]
        with ThreadPoolExecutor(min(self._workers, len(items))) as pool:
            return list(pool.map(act, items))

    def _all(self, act: Callable[[Node], R]) -> list[R]:
        """Call ``act`` for each node, all at once: one that hangs keeps no other waiting."""
        if self._workers == 1 or len(self.nodes) == 1:
            return [act(node) for node in self.nodes]
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            return list(pool.map(act, self.nodes))

    def _rehearse(self, raw: bytes) -> Rehearsal:
        options = {
            "encoding": "base64",
            "commitment": "confirmed",
            "sigVerify": False,
            "replaceRecentBlockhash": True,
        }
        encoded = base64.b64encode(raw).decode()
        reader = answers.in_context(_simulated)

        try:
            found = self._read(reader, "simulateTransaction", encoded, options)
        except ChainUnreachable as outage:
            return Unknown(reason=str(outage))
        if found.value is None:
            return Passes()
        return Refuses(**asdict(blame(found.value, raw)))


def _account(value: Any, slot: int) -> AccountView | None:
    if value is None:
        return None
    return AccountView(
        lamports=answers.integer(field(value, "lamports")),
        owner=answers.address(field(value, "owner")),
        is_executable=answers.flag(field(value, "executable")),
        data_bytes=answers.integer(field(value, "space")),
        slot=slot,
    )


def _blockhash(value: Any) -> Blockhash:
    found = answers.in_context(answers.mapping)(value)
    return Blockhash(
        hash=answers.blockhash(field(found.value, "blockhash")),
        slot=found.slot,
        last_valid_block_height=answers.integer(field(found.value, "lastValidBlockHeight")),
    )


def _confirmed_height(node: Node) -> int:
    return node.read(answers.integer, "getBlockHeight", {"commitment": "confirmed"})


def _height_or_none(node: Node) -> int | None:
    try:
        return _confirmed_height(node)
    except NodeError:
        return None


def _fee_sample(value: Any) -> tuple[int, int]:
    return answers.integer(field(value, "slot")), answers.integer(field(value, "prioritizationFee"))


def _simulated(value: Any) -> Any:
    """The error of a rehearsal; None when it passed."""
    return field(value, "err")
