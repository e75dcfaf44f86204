"""The functions that answer people believe nodes of the pinned chain, and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.nodes import nodes_of
from pixr.adapters.postgres import Database, house
from pixr.adapters.solana import GENESIS_HASHES

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PINNED = "11111111111111111111111111111112"
URLS = ("http://127.0.0.1:1", "http://127.0.0.1:2")


def held_to(db: Database, network: str) -> set[str | None]:
    return {node.genesis_hash for node in nodes_of(db, URLS, network).nodes}


def test_a_node_of_another_chain_is_not_believed(db: Database) -> None:
    house.pin_chain(db, PINNED, "localnet", now=NOW)
    assert held_to(db, "localnet") == {PINNED}


@pytest.mark.parametrize("network", ["mainnet-beta", "devnet", "localnet"])
def test_before_the_first_tick_the_networks_name_says_which(db: Database, network: str) -> None:
    assert held_to(db, network) == {GENESIS_HASHES.get(network)}


def test_connections_are_kept(db: Database) -> None:
    assert nodes_of(db, URLS, "devnet") is nodes_of(db, URLS, "devnet")
