"""A node that says what a test tells it to, method by method, over the real adapter."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import Node, Solana, TransportFailed
from pixr.domain.payouts import Absent, Attempt, Search, Sighting

SYSTEM = "11111111111111111111111111111111"
GENESIS = str(Hash.new_unique())
RECEIPT = str(Pubkey.new_unique())
HEIGHT = 5_000
SLOT = 5_400
LAST_VALID = 4_000
"""Long past: a node of height ``HEIGHT`` proves an absence."""
ABSENT = Absent(finalized_block_height=HEIGHT, first_available_slot=10)
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


@dataclass(frozen=True, slots=True)
class Raw:
    """An HTTP answer as it is."""

    body: bytes
    status: int = 200


@dataclass(frozen=True, slots=True)
class Error:
    """A JSON-RPC error object."""

    value: Any


def fresh_signature() -> str:
    return str(Keypair().sign_message(b"any"))


def attempt(signature: str | None = None, **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "signature": signature or fresh_signature(),
        "batch_id": UUID(int=1),
        "number": 1,
        "state": "INFLIGHT",
        "raw": b"",
        "blockhash_slot": 3_000,
        "last_valid_block_height": LAST_VALID,
        "fee_lamports_max": 5_300,
    }
    return Attempt(**values | changes)


def search(*attempts: Attempt, receipt: str | None = RECEIPT) -> Search:
    return Search(attempts=attempts or (attempt(),), receipt=receipt)


def in_context(value: Any, slot: int = SLOT + 32) -> dict[str, Any]:
    return {"context": {"slot": slot}, "value": value}


def account(lamports: int = 890_880, **changes: Any) -> dict[str, Any]:
    return {
        "lamports": lamports,
        "owner": SYSTEM,
        "executable": False,
        "space": 0,
        "data": ["", "base64"],
    } | changes


def status(level: str | None = "finalized", *, err: Any = None, slot: int = SLOT) -> Any:
    return {"slot": slot, "err": err, "confirmationStatus": level, "confirmations": None}


def healthy() -> dict[str, Any]:
    """A node that has seen nothing of ours and is past every expiry."""
    return {
        "getGenesisHash": GENESIS,
        "getEpochInfo": {"absoluteSlot": SLOT, "blockHeight": HEIGHT},
        "getFirstAvailableBlock": 10,
        "getSlot": SLOT,
        "getBlockHeight": HEIGHT,
        "getSignatureStatuses": lambda signatures, _: in_context([None] * len(signatures)),
        "getMultipleAccounts": lambda addresses, _: in_context([None] * len(addresses), SLOT),
        "getSignaturesForAddress": [],
        "getTransaction": None,
        "getLatestBlockhash": in_context(
            {"blockhash": str(Hash.default()), "lastValidBlockHeight": HEIGHT + 150}
        ),
        "getRecentPrioritizationFees": [{"slot": SLOT, "prioritizationFee": 7}],
        "simulateTransaction": in_context({"err": None}),
        "sendTransaction": fresh_signature(),
    }


def listing(records: list[dict[str, Any]]) -> Callable[[str, dict[str, Any]], Any]:
    """Answer getSignaturesForAddress from these records, newest first."""

    def page(_: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        names = [record["signature"] for record in records]
        start = names.index(options["before"]) + 1 if "before" in options else 0
        end = names.index(options["until"]) if options.get("until") in names else None
        return records[start:end][: options["limit"]]

    return page


def transactions(*listed: tuple[str, Any]) -> dict[str, Any]:
    """The transactions of one address and their errors, newest first."""
    records = [
        {"signature": name, "slot": SLOT - number, "err": err}
        for number, (name, err) in enumerate(listed)
    ]
    return {"getSignaturesForAddress": listing(records)}


class Script:
    """A transport. Each answer is a result, an ``Error``, a ``Raw``, or a failure to raise.

    A callable gets the parameters and returns one of these; a list under ``once`` is used
    up first, one answer a call.
    """

    def __init__(self, url: str = "http://node.test", **answers: Any) -> None:
        self.url = url
        self.answers: dict[str, Any] = healthy() | answers
        self.once: dict[str, list[Any]] = {}
        self.calls: list[tuple[str, list[Any]]] = []
        self.timeouts: list[float] = []

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        request: Mapping[str, Any] = json.loads(body)
        method, params = request["method"], request["params"]
        self.calls.append((method, params))
        self.timeouts.append(timeout_s)
        queue = self.once.get(method)
        answer = queue.pop(0) if queue else self.answers[method]
        if callable(answer):
            answer = answer(*params)
        if isinstance(answer, TransportFailed):
            raise answer
        if isinstance(answer, Raw):
            return answer.status, answer.body
        envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        envelope |= {"error": answer.value} if isinstance(answer, Error) else {"result": answer}
        return 200, json.dumps(envelope).encode()

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def node(script: Script, clock: Clock | None = None, **options: Any) -> Node:
    ticking = clock or Clock()
    return Node(script, clock=ticking, sleep=ticking.sleep, jitter=lambda: 0.5, **options)


def solana(*scripts: Script, clock: Clock | None = None, workers: int = 1, **rest: Any) -> Solana:
    ticking = clock or Clock()
    return Solana(
        scripts,
        workers=workers,
        clock=ticking,
        sleep=ticking.sleep,
        jitter=lambda: 0.5,
        **rest,
    )


def scripts(*answers: dict[str, Any]) -> list[Script]:
    return [Script(f"http://node-{number}", **each) for number, each in enumerate(answers, 1)]


def look(wanted: Search, **answers: Any) -> Sighting:
    ((sighting,),) = solana(Script(**answers)).look_up([wanted])
    return sighting


def statuses(*found: Any, slot: int = SLOT + 32) -> dict[str, Any]:
    return {"getSignatureStatuses": in_context(list(found), slot)}


def receipt(value: Any, slot: int = SLOT) -> dict[str, Any]:
    return {"getMultipleAccounts": in_context([value], slot)}


def signed() -> tuple[Attempt, VersionedTransaction]:
    """An attempt whose bytes are those of a real transaction: memo, then a transfer."""
    payer = Keypair()
    pay = transfer(
        TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Pubkey.new_unique(), lamports=1)
    )
    message = Message.new_with_blockhash(
        [Instruction(MEMO, b"root", []), pay], payer.pubkey(), Hash.default()
    )
    transaction = VersionedTransaction(message, [payer])
    return attempt(str(transaction.signatures[0]), raw=bytes(transaction)), transaction


def transaction_json(
    transaction: VersionedTransaction, *, err: Any = None, slot: int = 5, **meta: Any
) -> dict[str, Any]:
    count = len(transaction.message.account_keys)
    return {
        "slot": slot,
        "transaction": [base64.b64encode(bytes(transaction)).decode(), "base64"],
        "meta": {
            "err": err,
            "fee": 5_000,
            "preBalances": [10_000 * (number + 1) for number in range(count)],
            "postBalances": [10_000 * (number + 1) + number - 1 for number in range(count)],
            "loadedAddresses": {"writable": [], "readonly": []},
        }
        | meta,
    }
