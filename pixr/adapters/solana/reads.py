"""What one node is asked in one call, and how its answer is read."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pixr.adapters.solana import answers
from pixr.adapters.solana.answers import InContext, field
from pixr.adapters.solana.node import Node
from pixr.adapters.solana.values import AccountContent, AccountView, Balance, Blockhash

T = TypeVar("T")

ACCOUNTS_PER_CALL_MAX: Final = 100
"""Limit of getMultipleAccounts."""

WITHOUT_DATA: Final[Mapping[str, Any]] = {
    "commitment": "finalized",
    "encoding": "base64",
    "dataSlice": {"offset": 0, "length": 0},
}
"""The data stays on the node: an address that somebody filled with 10 MiB costs nothing."""

WITH_DATA: Final[Mapping[str, Any]] = {"commitment": "finalized", "encoding": "base64"}

SENDING: Final[Mapping[str, Any]] = {
    "encoding": "base64",
    "skipPreflight": True,
    "maxRetries": 0,
}
REHEARSING: Final[Mapping[str, Any]] = {
    "encoding": "base64",
    "commitment": "confirmed",
    "sigVerify": False,
    "replaceRecentBlockhash": True,
}


def accounts(node: Node, addresses: Sequence[str]) -> InContext[list[AccountView | None]]:
    """The finalized accounts of at most ``ACCOUNTS_PER_CALL_MAX`` addresses, all at one slot."""
    return _accounts(node, addresses, WITHOUT_DATA, _account)


def contents(node: Node, addresses: Sequence[str]) -> InContext[list[AccountContent | None]]:
    """The same with their data: for addresses that are our own."""
    return _accounts(node, addresses, WITH_DATA, _content)


def balance(node: Node, address: str) -> Balance:
    """What an address holds, finalized."""
    found = accounts(node, [address])
    return Balance(lamports=sum(view.lamports for view in found.value if view), slot=found.slot)


def _accounts(
    node: Node,
    addresses: Sequence[str],
    options: Mapping[str, Any],
    account: Callable[[Any, int], T],
) -> InContext[list[T]]:
    reader = answers.in_context(answers.list_of(answers.as_it_is, length=len(addresses)))

    def read(value: Any) -> InContext[list[T]]:
        found = reader(value)
        views = [account(item, found.slot) for item in found.value]
        return InContext(slot=found.slot, value=views)

    return node.read(read, "getMultipleAccounts", list(addresses), options)


def recent_fees(node: Node, addresses: Sequence[str]) -> dict[int, int]:
    """Slot → price in micro-lamports per unit that landed while writing ``addresses``."""
    reader = answers.list_of(_fee_sample)
    return dict(node.read(reader, "getRecentPrioritizationFees", list(addresses)))


def blockhash(node: Node) -> Blockhash:
    """A recent blockhash, by the node's own word for how long it is valid."""
    return node.read(_blockhash, "getLatestBlockhash", {"commitment": "confirmed"})


def confirmed_height(node: Node) -> int:
    """The last confirmed block height."""
    return node.read(answers.integer, "getBlockHeight", {"commitment": "confirmed"})


def rehearse(node: Node, raw: bytes) -> Any:
    """The error that a transaction would meet; None when it passes."""
    reader = answers.in_context(_simulated)
    return node.read(reader, "simulateTransaction", _encoded(raw), REHEARSING).value


def send(node: Node, raw: bytes) -> None:
    """Offer a transaction. An error, or none, says nothing about whether it was taken."""
    node.call("sendTransaction", _encoded(raw), SENDING)


def pages(items: Sequence[str], length: int) -> list[Sequence[str]]:
    """``items`` in parts of at most ``length``, in order."""
    return [items[start : start + length] for start in range(0, len(items), length)]


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


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


def _content(value: Any, slot: int) -> AccountContent | None:
    if value is None:
        return None
    return AccountContent(
        lamports=answers.integer(field(value, "lamports")),
        owner=answers.address(field(value, "owner")),
        data=answers.encoded(field(value, "data")),
        slot=slot,
    )


def _blockhash(value: Any) -> Blockhash:
    found = answers.in_context(answers.mapping)(value)
    return Blockhash(
        hash=answers.blockhash(field(found.value, "blockhash")),
        slot=found.slot,
        last_valid_block_height=answers.integer(field(found.value, "lastValidBlockHeight")),
    )


def _fee_sample(value: Any) -> tuple[int, int]:
    return answers.integer(field(value, "slot")), answers.integer(field(value, "prioritizationFee"))


def _simulated(value: Any) -> Any:
    return field(value, "err")
