"""The nodes together: reads take the first that answers, proofs ask each one.

Every look at a transaction is a *sighting* per node (``pixr.domain.payouts``), never a bool: a
node that fails, lags or has forgotten says ``Unknown`` or ``Absent``, and the domain decides
what that proves. Sending proves nothing at all, so ``send`` returns nothing.

JSON-RPC is spoken here rather than by solana-py's client, which can raise an exception outside
``Exception`` after the network took the transaction (solana-facts.md §8).
"""

import itertools
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, TypeVar

from pixr.adapters.solana import answers, blockhashes, history, reads, sightings
from pixr.adapters.solana.errors import (
    ChainUnreachable,
    HistoryForgotten,
    HistoryHole,
    NodeError,
    unreachable,
)
from pixr.adapters.solana.node import TIMEOUT_S, Node
from pixr.adapters.solana.refusals import blame
from pixr.adapters.solana.transport import HttpTransport, Transport
from pixr.adapters.solana.values import (
    AccountContent,
    AccountView,
    Balance,
    Blockhash,
    Listing,
    SignatureRecord,
    TransactionView,
)
from pixr.domain.payouts import (
    QUORUM_NODES,
    Passes,
    Refuses,
    Rehearsal,
    Search,
    Sighting,
    Unknown,
    quorum,
)

T = TypeVar("T")
R = TypeVar("R")

WORKERS: Final = 8


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

        Raises:
            ValueError: A node is listed twice: its word would count twice.
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
        if len({node.url for node in self.nodes}) < len(self.nodes):
            raise ValueError("a node is listed twice")
        if genesis_hash is not None:
            for node in self.nodes:
                node.genesis_hash = genesis_hash
        self._workers = workers
        self._turns = itertools.count()

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
        told = self._tried(lambda node: node.read(answers.blockhash, "getGenesisHash"))
        found = sorted({said for said in told if isinstance(said, str)})
        if not found:
            raise unreachable(told)
        if len(found) > 1:
            raise ChainUnreachable(f"the nodes are of several chains: {', '.join(found)}")
        return found[0]

    def account(self, address: str) -> AccountView | None:
        """Return the finalized account, or None when there is none at ``address``."""
        return self.accounts([address])[0]

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """Return the finalized account of each address, in order; None where there is none."""

        def page_of(page: Sequence[str]) -> list[AccountView | None]:
            return self._first(lambda node: reads.accounts(node, page)).value

        asked = reads.pages(addresses, reads.ACCOUNTS_PER_CALL_MAX)
        return [view for page in self._each(page_of, asked) for view in page]

    def accounts_of_each(self, addresses: Sequence[str]) -> list[list[AccountView | None]]:
        """The same as each of ``QUORUM_NODES`` nodes has them: for what one must not decide alone.

        Raises:
            ChainUnreachable: Fewer answer than that, or than are configured.
        """

        def all_of(node: Node) -> list[AccountView | None]:
            asked = reads.pages(addresses, reads.ACCOUNTS_PER_CALL_MAX)
            return [view for page in asked for view in reads.accounts(node, page).value]

        wanted = quorum(len(self.nodes))
        answers = self._tried(all_of, self._asked(nodes_min=wanted))
        found = [item for item in answers if not isinstance(item, NodeError)]
        if len(found) < wanted:
            raise unreachable(answers)
        return found[:wanted]

    def contents(self, addresses: Sequence[str]) -> list[AccountContent | None]:
        """The same with their data, all of it: for lookup tables of ours."""

        def page_of(page: Sequence[str]) -> list[AccountContent | None]:
            return self._first(lambda node: reads.contents(node, page)).value

        asked = reads.pages(addresses, reads.ACCOUNTS_PER_CALL_MAX)
        return [found for page in self._each(page_of, asked) for found in page]

    def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
        """Slot → price in micro-lamports per unit that landed while writing ``accounts``."""
        return self._first(lambda node: reads.recent_fees(node, accounts))

    def blockhash(self) -> Blockhash:
        """A recent blockhash, and the last height at which it can land (``blockhashes.chosen``).

        Raises:
            ChainUnreachable: No node gives both a blockhash and its height, or too few a height.
        """
        needed = quorum(len(self.nodes))
        asked = self._asked(nodes_min=needed)
        given = self._tried(reads.blockhash, asked)
        # After the blockhashes: a height that was read before would be too low for them.
        told = self._tried(reads.confirmed_height, asked)
        return blockhashes.chosen(given, told, quorum=needed, turn=next(self._turns))

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions of ``address`` after ``until``, oldest first.

        Raises:
            ChainUnreachable: No node answered.
            HistoryTooLong: There are more than ``history.PAGES_MAX`` pages.
            HistoryForgotten: Of the nodes that answer none remembers back to ``until``.
        """
        failures: list[NodeError] = []
        for node in self._asked():
            try:
                return history.walk(node, address, until=until)[::-1]
            except NodeError as error:
                failures.append(error)
        if holes := [error for error in failures if isinstance(error, HistoryHole)]:
            raise HistoryForgotten(str(holes[0]))
        raise unreachable(failures)

    def listing(self, address: str, *, until: str | None, pages_max: int) -> Listing:
        """What all nodes together list of the address's finalized past after ``until``.

        For what must not be hidden by one that lags: whatever any node lists has happened.

        Raises:
            ChainUnreachable: No node answered.
        """
        told = self._tried(
            lambda node: history.listed(node, address, until=until, pages_max=pages_max)
        )
        found = history.joined(told, quorum=quorum(len(self.nodes)))
        if found is None:
            raise unreachable(told)
        return found

    def balances(self, address: str) -> list[Balance | None]:
        """What each node says the address holds, as of its own slot; None: it does not answer."""
        told = self._tried(lambda node: reads.balance(node, address), self.nodes)
        return [None if isinstance(item, NodeError) else item for item in told]

    def transaction(self, signature: str) -> TransactionView | None:
        """A finalized transaction; None when nodes answer and none of them has it."""
        told: list[TransactionView | NodeError | None] = []
        for node in self._asked():
            try:
                found = history.transaction(node, signature)
            except NodeError as error:
                told.append(error)
                continue
            if found is not None:
                return found
            told.append(found)
        if None in told:
            return None
        raise unreachable(told)

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

        def walk(node: Node) -> list[SignatureRecord]:
            return history.walk(node, address, until=until, pages_max=pages_max)[::-1]

        return self._tried(walk, self.nodes)

    def balance_change(self, signature: str, address: str) -> int:
        """Lamports that a finalized transaction added to ``address`` (negative: took)."""
        found = self.transaction(signature)
        if found is None:
            raise ChainUnreachable(f"{signature} is listed but cannot be read yet")
        return found.changes[address]

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        """Let a node try each transaction as if it landed now; nothing is kept or sent.

        Signatures are not looked at and the blockhash is replaced. What passes may still fail;
        what is refused was refused by each of two nodes that answered, if there are two.
        """
        return self._each(self._rehearse, raws)

    # ── what each node is asked ──────────────────────────────────────────────

    def send(self, raws: Sequence[bytes]) -> None:
        """Offer every transaction to every node that is not left alone just now.

        Returning proves nothing, and no node's answer raises: whether it landed, ``look_up``
        tells.
        """

        def offer_all(node: Node) -> None:
            def offer(raw: bytes) -> None:
                # Whatever it says, it may have been taken all the same.
                with suppress(NodeError):
                    reads.send(node, raw)

            self._each(offer, raws)

        self._all(offer_all, self.nodes)

    def look_up(self, searches: Sequence[Search]) -> list[list[Sighting]]:
        """Ask every node what it knows of each batch.

        Returns:
            For each search one sighting of each node, in the order of ``nodes``.
        """
        if not searches:
            return []
        by_node = self._all(lambda node: sightings.look(node, searches, self._each), self.nodes)
        return [list(of_search) for of_search in zip(*by_node, strict=True)]

    # ── how they are asked ───────────────────────────────────────────────────

    def _read(self, reader: Callable[[Any], T], method: str, *params: Any) -> T:
        return self._first(lambda node: node.read(reader, method, *params))

    def _first(self, ask: Callable[[Node], T]) -> T:
        """Return what the first node that answers says.

        Raises:
            ChainUnreachable: None does.
        """
        failures: list[NodeError] = []
        for node in self._asked():
            try:
                return ask(node)
            except NodeError as error:
                failures.append(error)
        raise unreachable(failures)

    def _asked(self, nodes_min: int = 1) -> list[Node]:
        """The nodes that are not left alone just now; so many all the same if there are fewer."""
        shut = {id(node): node.breaker.open_until_s for node in self.nodes}
        healthy = [node for node in self.nodes if shut[id(node)] is None]
        missing = nodes_min - len(healthy)
        if missing <= 0:
            return healthy
        # Nothing tried would mean nothing known for as long as the breakers stay open.
        others = sorted(
            (node for node in self.nodes if shut[id(node)] is not None),
            key=lambda node: shut[id(node)] or 0.0,
        )[:missing]
        for node in others:
            node.breaker.force()
        return [*healthy, *others]

    def _tried(
        self, ask: Callable[[Node], T], nodes: Sequence[Node] | None = None
    ) -> list[T | NodeError]:
        """Ask ``nodes``, by default those not left alone, all at once, for their own word."""

        def attempt(node: Node) -> T | NodeError:
            try:
                return ask(node)
            except NodeError as error:
                return error

        return self._all(attempt, self._asked() if nodes is None else nodes)

    def _each(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call ``act`` for each item, ``workers`` at a time; no thread outlives the call."""
        if self._workers == 1 or len(items) <= 1:
            return [act(item) for item in items]
        numbers = iter(range(len(items)))

        def work(_: int) -> list[tuple[int, R]]:
            # Each takes the next one that is left: a task for every item would cost more than that.
            return [(number, act(items[number])) for number in numbers]

        workers = min(self._workers, len(items))
        with ThreadPoolExecutor(workers) as pool:
            done = dict(pair for part in pool.map(work, range(workers)) for pair in part)
        return [done[number] for number in range(len(items))]

    def _all(self, act: Callable[[Node], R], nodes: Sequence[Node]) -> list[R]:
        """Call ``act`` for each node, all at once: one that hangs keeps no other waiting."""
        if self._workers == 1 or len(nodes) == 1:
            return [act(node) for node in nodes]
        with ThreadPoolExecutor(len(nodes)) as pool:
            return list(pool.map(act, nodes))

    def _rehearse(self, raw: bytes) -> Rehearsal:
        """A refusal is asked for twice: one node that lies or lags must not stop a payment."""
        failures: list[NodeError] = []
        refused: Refuses | None = None
        for node in self._asked()[:QUORUM_NODES]:
            try:
                error = reads.rehearse(node, raw)
            except NodeError as failure:
                failures.append(failure)
                continue
            if error is None:
                return Passes()
            refused = refused or Refuses(**asdict(blame(error, raw)))
        return refused or Unknown(reason=str(unreachable(failures)))
