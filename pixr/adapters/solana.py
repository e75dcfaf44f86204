"""Solana over JSON-RPC: several nodes, and answers that say what they are worth.

Every look at a transaction is a *sighting* per node (``pixr.domain.payouts``), never a
bool: a node that fails, lags or has forgotten says ``Unknown`` or ``Absent``, and the
domain decides what that proves. Sending proves nothing at all, so ``send`` returns nothing
but what each node said.

The transport is urllib3 and json rather than solana-py's client, which can raise an
exception outside ``Exception`` after the network took the transaction (solana-facts.md §8).
"""

import base64
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import urllib3
from urllib3.util import Retry, Timeout

from pixr.domain.errors import Outage
from pixr.domain.payouts import (
    Absent,
    Attempt,
    Failed,
    Finalized,
    ReceiptOnly,
    Sighting,
    Unknown,
    Unsettled,
)

ACCOUNTS_PER_CALL_MAX: Final = 100
"""Limit of getMultipleAccounts."""
SIGNATURES_PER_PAGE: Final = 1_000
"""Limit of getSignaturesForAddress."""
PAGES_MAX: Final = 20
BLOCKHASH_BLOCKS: Final = 150
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
_SOURCE_WITHOUT_FUNDS: Final = {"Custom": 1}


class ChainUnreachable(Outage):
    """No configured node gave a usable answer; nothing is known and nothing was changed."""

    part = "chain"


class HistoryTooLong(Exception):
    """An address has more unseen transactions than one walk may list: somebody floods it."""


class NodeError(Exception):
    """One node did not answer, answered nonsense, or refused with a JSON-RPC error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A finalized account as of ``slot``. ``owner`` is base58."""

    lamports: int
    owner: str
    is_executable: bool
    data_bytes: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blockhash:
    """What a transaction is signed against, and until when it can land."""

    hash: str
    slot: int
    last_valid_block_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRecord:
    """One finalized transaction that touched an address."""

    signature: str
    slot: int
    is_failed: bool


class Node:
    """One RPC node. Each call is bounded in time and bytes and is tried once."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.url = url
        self._ids = itertools.count(1)
        self._pool = urllib3.PoolManager(
            retries=Retry(total=0, redirect=0),
            timeout=Timeout(connect=2.0, read=timeout_s),
            headers={"content-type": "application/json"},
        )

    def call(self, method: str, *params: Any) -> Any:
        """Return the ``result`` of one call.

        Raises:
            NodeError: No answer, an answer that is not JSON-RPC, or an error in it.
        """
        body = json.dumps(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        )
        try:
            answer = self._pool.request("POST", self.url, body=body)
            parsed: Any = json.loads(answer.data[:ANSWER_BYTES_MAX])
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise NodeError(f"{method}: {type(error).__name__}") from error
        if not isinstance(parsed, dict):
            raise NodeError(f"{method}: HTTP {answer.status} and no JSON-RPC")
        fields = cast("dict[str, Any]", parsed)
        refused: Any = fields.get("error")
        if refused is not None:
            raise NodeError(f"{method}: {refused}")
        if "result" not in fields:
            raise NodeError(f"{method}: HTTP {answer.status} and no result")
        return fields["result"]


class Solana:
    """The nodes together. Reads take the first node that answers; proofs ask each one."""

    def __init__(self, urls: Sequence[str], *, timeout_s: float = 5.0) -> None:
        assert urls
        self.nodes = [Node(url, timeout_s=timeout_s) for url in urls]

    def _first(self, method: str, *params: Any) -> Any:
        failures: list[str] = []
        for node in self.nodes:
            try:
                return node.call(method, *params)
            except NodeError as error:
                failures.append(f"{node.url}: {error}")
        raise ChainUnreachable("; ".join(failures))

    def slot(self) -> int:
        """The last finalized slot."""
        return int(self._first("getSlot", {"commitment": "finalized"}))

    def account(self, address: str) -> AccountView | None:
        """Return the finalized account, or None when there is none at ``address``."""
        return self.accounts([address])[0]

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """Return the finalized account of each address, in order; None where there is none."""
        views: list[AccountView | None] = []
        for start in range(0, len(addresses), ACCOUNTS_PER_CALL_MAX):
            part = list(addresses[start : start + ACCOUNTS_PER_CALL_MAX])
            options = {"commitment": "finalized", "encoding": "base64"}
            result = self._first("getMultipleAccounts", part, options)
            slot = int(result["context"]["slot"])
            views.extend(_account(value, slot) for value in result["value"])
        return views

    def blockhash(self) -> Blockhash:
        """A recent blockhash. Its expiry is bounded by the height we read ourselves.

        A node that promised a later expiry than the chain can honour would make us wait;
        one that promised an earlier one would make us sign again too soon, so the later
        of the two is kept.
        """
        result = self._first("getLatestBlockhash", {"commitment": "confirmed"})
        height = int(self._first("getBlockHeight", {"commitment": "confirmed"}))
        return Blockhash(
            hash=str(result["value"]["blockhash"]),
            slot=int(result["context"]["slot"]),
            last_valid_block_height=max(
                int(result["value"]["lastValidBlockHeight"]), height + BLOCKHASH_BLOCKS
            ),
        )

    def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
        """Slot → price in micro-lamports per unit that landed while writing ``accounts``."""
        result = self._first("getRecentPrioritizationFees", list(accounts))
        return {int(item["slot"]): int(item["prioritizationFee"]) for item in result}

    def send(self, raw: bytes) -> list[str]:
        """Offer the bytes to every node. What they answer proves nothing; it is for the log."""
        encoded = base64.b64encode(raw).decode()
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        said: list[str] = []
        for node in self.nodes:
            try:
                said.append(str(node.call("sendTransaction", encoded, options)))
            except NodeError as error:
                said.append(str(error))
        return said

    def look_up(self, attempts: Sequence[Attempt], receipt: str) -> list[Sighting]:
        """Ask every node what it knows of a batch: one sighting per node, in their order."""
        return [_look(node, attempts, receipt) for node in self.nodes]

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions of ``address`` after ``until``, oldest first.

        Raises:
            ChainUnreachable: No node answered.
            HistoryTooLong: There are more than ``PAGES_MAX`` pages.
        """
        records: list[SignatureRecord] = []
        before: str | None = None
        for _ in range(PAGES_MAX):
            options: dict[str, Any] = {"commitment": "finalized", "limit": SIGNATURES_PER_PAGE}
            options |= {"until": until} if until else {}
            options |= {"before": before} if before else {}
            page = self._first("getSignaturesForAddress", address, options)
            records.extend(
                SignatureRecord(
                    signature=item["signature"],
                    slot=int(item["slot"]),
                    is_failed=item["err"] is not None,
                )
                for item in page
            )
            if len(page) < SIGNATURES_PER_PAGE:
                return records[::-1]
            before = page[-1]["signature"]
        raise HistoryTooLong(f"{address} has more than {len(records)} unseen transactions")

    def transaction(self, signature: str) -> dict[str, Any] | None:
        """A finalized transaction as getTransaction gives it, its bytes base64; None: unknown."""
        options = {
            "commitment": "finalized",
            "encoding": "base64",
            "maxSupportedTransactionVersion": 0,
        }
        found: dict[str, Any] | None = self._first("getTransaction", signature, options)
        return found

    def balance_change(self, signature: str, address: str) -> int:
        """Lamports that a finalized transaction added to ``address`` (negative: took)."""
        result = self._first(
            "getTransaction",
            signature,
            {"commitment": "finalized", "encoding": "json", "maxSupportedTransactionVersion": 0},
        )
        if result is None:
            raise ChainUnreachable(f"{signature} is listed but cannot be read yet")
        meta = result["meta"]
        keys: list[str] = list(result["transaction"]["message"]["accountKeys"])
        loaded: dict[str, list[str]] = meta.get("loadedAddresses") or {}
        keys += [*loaded.get("writable", []), *loaded.get("readonly", [])]
        position = keys.index(address)
        return int(meta["postBalances"][position]) - int(meta["preBalances"][position])


def _account(value: dict[str, Any] | None, slot: int) -> AccountView | None:
    if value is None:
        return None
    return AccountView(
        lamports=int(value["lamports"]),
        owner=str(value["owner"]),
        is_executable=bool(value["executable"]),
        data_bytes=len(base64.b64decode(value["data"][0])),
        slot=slot,
    )


def _look(node: Node, attempts: Sequence[Attempt], receipt: str) -> Sighting:
    """One node's sighting. The heights are read before the search: absence counts from there.

    A success counts before anything else; a failure counts only while the receipt does not
    exist, because a receipt means that some attempt has paid.
    """
    finalized = {"commitment": "finalized"}
    try:
        height = int(node.call("getBlockHeight", finalized))
        first_slot = int(node.call("getFirstAvailableBlock"))
        signatures = [attempt.signature for attempt in attempts]
        statuses = node.call("getSignatureStatuses", signatures, {"searchTransactionHistory": True})
        seen = [
            _settled(node, signature, status)
            for signature, status in zip(signatures, statuses["value"], strict=True)
            if status is not None
        ]
        for kind in (Finalized, Unsettled):
            if found := [item for item in seen if isinstance(item, kind)]:
                return found[0]
        if node.call("getAccountInfo", receipt, finalized | {"encoding": "base64"})["value"]:
            return ReceiptOnly(address=receipt)
    except (NodeError, KeyError, TypeError, ValueError) as error:
        return Unknown(reason=f"{type(error).__name__}: {error}")
    if seen:
        return seen[-1]
    return Absent(finalized_block_height=height, first_available_slot=first_slot)


def _settled(node: Node, signature: str, status: dict[str, Any]) -> Sighting:
    if status["confirmationStatus"] != "finalized":
        return Unsettled()
    options = {"commitment": "finalized", "encoding": "json", "maxSupportedTransactionVersion": 0}
    found = node.call("getTransaction", signature, options)
    if found is None:
        return Unsettled()
    fee_lamports = int(found["meta"]["fee"])
    slot = int(found["slot"])
    error = found["meta"]["err"]
    if error is None:
        return Finalized(signature=signature, slot=slot, fee_lamports=fee_lamports)
    return Failed(
        signature=signature,
        slot=slot,
        fee_lamports=fee_lamports,
        error=json.dumps(error),
        account_index=_rent_account(error),
        instruction_index=_instruction(error),
    )


def _rent_account(error: Any) -> int | None:
    """Which account an ``{"InsufficientFundsForRent": {"account_index": n}}`` names."""
    try:
        return int(error["InsufficientFundsForRent"]["account_index"])
    except (KeyError, TypeError, ValueError):
        return None


def _instruction(error: Any) -> int | None:
    """Which instruction failed by the fault of its destination.

    ``{"InstructionError": [n, {"Custom": 1}]}`` is the System program's word for a source
    without funds: it names nobody.
    """
    try:
        index, cause = error["InstructionError"]
        return None if cause == _SOURCE_WITHOUT_FUNDS else int(index)
    except (KeyError, TypeError, ValueError):
        return None
