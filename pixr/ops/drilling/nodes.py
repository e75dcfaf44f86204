"""The RPC node of a drill: its faults switched on and off, and the chain asked behind their back.

What the drill itself has to know it asks with plain JSON-RPC, not with the shipped adapter: a
witness should share no code with the accused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from pixr.ops.drilling.schedule import Episode, Fault

TIMEOUT_S: Final = 10.0
ALL_OFF: Final = {
    "drop_sends": False,
    "error_after_accept": False,
    "http_429": False,
    "http_503": False,
    "garbage": False,
    "latency_ms": 0,
    "freeze": False,
    "forget_before_slot": 0,
}
ACCOUNTS_PER_CALL: Final = 100
STATUSES_PER_CALL: Final = 256


class Node:
    """The chain's only node."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def recover(self) -> None:
        """Switch every fault off."""
        self._set(ALL_OFF)

    def break_as(self, episode: Episode) -> None:
        """Switch on the fault of an episode, and every other off."""
        self.recover()
        switches: dict[str, Any] = {}
        match episode.fault:
            case Fault.NONE:
                pass
            case Fault.LATENCY:
                switches[episode.fault.value] = episode.latency_ms
            case Fault.FORGET:
                # All of its history is gone, as after a restart from a snapshot.
                slot = self._ask("getSlot", {"commitment": "finalized"})
                switches[episode.fault.value] = slot
            case _:
                switches[episode.fault.value] = True
        self._set(switches)

    def sightings(self, signatures: Sequence[str]) -> list[str | None] | None:
        """How final each transaction is (``finalized``, ``confirmed``, ``processed``).

        Returns:
            None for one that the chain has not; None instead of all when the node does not say.
        """
        options = {"searchTransactionHistory": True}
        try:
            return [
                None if status is None else str(status["confirmationStatus"])
                for part in _parts(signatures, STATUSES_PER_CALL)
                for status in self._values("getSignatureStatuses", part, options)
            ]
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def balances_lamports(self, addresses: Sequence[str]) -> list[int]:
        """The finalized balance of each address; 0 where there is no account."""
        options = {"commitment": "finalized", "encoding": "base64"}
        return [
            0 if account is None else int(account["lamports"])
            for part in _parts(addresses, ACCOUNTS_PER_CALL)
            for account in self._values("getMultipleAccounts", part, options)
        ]

    def give(self, address: str, amount_lamports: int) -> None:
        """Send SOL of the faucet's to an address."""
        self._ask("requestAirdrop", address, amount_lamports)

    def _values(self, method: str, *params: object) -> list[Any]:
        values: list[Any] = self._ask(method, *params)["value"]
        return values

    def _ask(self, method: str, *params: object) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self._http.post(self._url, json=question).raise_for_status().json()["result"]

    def _set(self, switches: dict[str, Any]) -> None:
        self._http.post(f"{self._url}/faults", json=switches).raise_for_status()


def _parts(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
