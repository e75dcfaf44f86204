"""The RPC nodes of a drill: faults switched on and off, and the chain asked behind their back.

What the drill itself has to know it asks with plain JSON-RPC, not with the shipped adapter: a
witness should share no code with the accused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from pixr.ops.drilling.schedule import Episode, Fault, Weakness

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
    "lag_blocks": 0,
}
LAG_BLOCKS: Final = 48
"""A node that lags shows as final what was final for others so many blocks ago."""
WITNESS_PATH: Final = "/nodes/9"
"""Where the chain answers the drill itself: a node that no settler is told of."""
ACCOUNTS_PER_CALL: Final = 100
STATUSES_PER_CALL: Final = 256


class Nodes:
    """All nodes of the chain that the settlers are told of.

    Args:
        urls: As SOLANA_RPC_URL has them, the chain's own first.
    """

    def __init__(self, urls: str) -> None:
        self.urls = tuple(urls.split(","))
        self._witness = self.urls[0] + WITNESS_PATH
        self._http = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def recover(self) -> None:
        """Switch every fault off."""
        for url in self.urls:
            self._set(url, ALL_OFF)

    def weaken(self, episode: Episode) -> None:
        """Switch on what is wrong for longer: with one node, and in a storm with all of them."""
        if episode.has_storm:
            for url in self.urls:
                self._set(url, {Fault.DROP_SENDS.value: True})
        url = self.urls[episode.weak]
        match episode.weakness:
            case Weakness.NONE:
                pass
            case Weakness.LAG:
                self._set(url, {episode.weakness.value: LAG_BLOCKS})
            case Weakness.FORGET:
                self._set(url, {episode.weakness.value: self._finalized_slot()})
            case _:
                self._set(url, {episode.weakness.value: True})

    def break_as(self, episode: Episode) -> None:
        """Switch on the fault of an episode at its nodes, every other off but the weakness."""
        self.recover()
        self.weaken(episode)
        switches: dict[str, Any] = {}
        match episode.fault:
            case Fault.NONE:
                pass
            case Fault.LATENCY:
                switches[episode.fault.value] = episode.latency_ms
            case Fault.FORGET:
                # All of its history is gone, as after a restart from a snapshot.
                switches[episode.fault.value] = self._finalized_slot()
            case _:
                switches[episode.fault.value] = True
        for number in episode.nodes:
            self._set(self.urls[number], switches)

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
        return self._http.post(self._witness, json=question).raise_for_status().json()["result"]

    def _finalized_slot(self) -> int:
        return int(self._ask("getSlot", {"commitment": "finalized"}))

    def _set(self, url: str, switches: dict[str, Any]) -> None:
        self._http.post(f"{url}/faults", json=switches).raise_for_status()


def _parts(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
