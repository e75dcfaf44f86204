"""Who takes part in a drill, and what is there before the first kill: wallets, films, deposits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from pixr.adapters.postgres import connect, drills
from pixr.domain.money import LAMPORTS_PER_SOL
from pixr.local import parts, process
from pixr.local.machine import Machine
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.story import film
from pixr.ops.story.client import (
    PRODUCER_SCOPE,
    PUBLISH_TIMEOUT_S,
    SETTLE_TIMEOUT_S,
    Client,
    lamports,
    wait_for,
)
from pixr.ops.story.watching import live, upload

SHORT_S: Final = 2
UPLOADS_AT_ONCE: Final = 4
INVESTORS: Final = 2
DEPOSIT_LAMPORTS: Final = 2 * LAMPORTS_PER_SOL
TOKEN_TTL_S: Final = 24 * 3600
"""A long drill must not end with its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """People with wallets. ``contents`` are in the order of ``creators``."""

    creators: list[Client]
    contents: list[str]
    investors: list[Client]
    producer: Client
    crowd: dict[str, str]
    """Content → creator, of people who are only viewed and paid: a lookup table's regulars."""
    granted_lamports: dict[str, int]
    """User → what the drill sent to the wallet from outside."""

    @property
    def for_sale(self) -> list[str]:
        """Contents whose upgrades are bought; the views of all others earn the base rate."""
        return self.contents[1::2]


@contextlib.contextmanager
def gathered(machine: Machine, nodes: Nodes, *, creators: int, crowd: int) -> Iterator[Cast]:
    """Make wallets, publish a short film of each creator's, and fund the investors.

    The films of the crowd are rows and no more.
    """
    with contextlib.ExitStack() as stack:

        def person(name: str, **options: str) -> Client:
            client = Client(machine, name, **options, ttl_s=TOKEN_TTL_S)
            stack.callback(client.close)
            return client

        makers = [person(f"creator-{number}") for number in range(1, creators + 1)]
        investors = [person(f"investor-{number}") for number in range(1, INVESTORS + 1)]
        wallets = {who.name: str(who.get("/wallet")["address"]) for who in makers + investors}
        for who in investors:
            nodes.give(wallets[who.name], DEPOSIT_LAMPORTS)
        contents = _publish(makers)
        for who in investors:
            wait_for(
                f"the deposit of {who.name}", partial(_has_money, who), timeout_s=SETTLE_TIMEOUT_S
            )
        yield Cast(
            creators=makers,
            contents=contents,
            investors=investors,
            producer=person("pixr-player", scope=PRODUCER_SCOPE),
            crowd=_gather_crowd(machine, crowd),
            granted_lamports={who.name: DEPOSIT_LAMPORTS for who in investors},
        )


def _gather_crowd(machine: Machine, size: int) -> dict[str, str]:
    films = {f"crowd-film-{number}": f"crowd-{number}" for number in range(1, size + 1)}
    for name in films.values():
        with contextlib.closing(Client(machine, name)) as who:
            who.get("/wallet")
    if films:
        with connect(machine.description.database_url) as db:
            drills.insert_crowd(db, list(films), list(films.values()), now=datetime.now(UTC))
    return films


def _has_money(who: Client) -> int | None:
    return lamports(who.get("/balance")["available"]) or None


def _publish(makers: list[Client]) -> list[str]:
    with process.temporary_directory("pixr-drill-film-") as folder:
        short = film.cut_short(parts.ffmpeg(), Path(folder), seconds=SHORT_S)
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            contents = list(pool.map(lambda who: upload(who, short), makers))
    for who, content_id in zip(makers, contents, strict=True):
        wait_for(
            f"publishing {content_id}",
            partial(live, who, content_id),
            timeout_s=PUBLISH_TIMEOUT_S,
        )
    return contents
