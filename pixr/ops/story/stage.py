"""What the acts share: the machine, the people, the figures that are told at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pixr.adapters.solana import Solana
from pixr.local.machine import Machine
from pixr.ops.hygiene.needles import Secret
from pixr.ops.story.client import PRODUCER_SCOPE, Client
from pixr.ops.story.screen import Screen

SHORT_MAKERS = 15
"""Creators of short clips beside Alice: with her, one transaction is full."""
SEED = 20261123
"""All chance in the story comes from here, so that it is the same story each time."""


@dataclass(kw_only=True)
class Stage:
    """Everything that an act may touch."""

    machine: Machine
    screen: Screen
    folder: Path
    ffmpeg: str
    chain: Solana
    alice: Client
    bob: Client
    carol: Client
    producer: Client
    makers: list[Client]
    random: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 -- a story, no secret
    films: dict[str, str] = field(default_factory=dict)
    """Creator → content."""
    secrets: list[Secret] = field(default_factory=list[Secret])
    """What only its owner was shown; looked for at the end."""
    figures: dict[str, str] = field(default_factory=dict)
    """Told at the end, in this order."""

    @property
    def people(self) -> list[Client]:
        """Everybody who has talked to the machine."""
        return [self.alice, self.bob, self.carol, self.producer, *self.makers]

    @property
    def creators(self) -> list[Client]:
        """Everybody who made a film."""
        return [self.alice, *self.makers]


@contextlib.contextmanager
def staged(machine: Machine, screen: Screen, folder: Path, ffmpeg: str) -> Iterator[Stage]:
    """Open a connection for each person and close them all at the end."""
    names = [f"maker-{number:02}" for number in range(1, SHORT_MAKERS + 1)]
    with contextlib.ExitStack() as stack:

        def person(name: str, scope: str | None = None) -> Client:
            client = Client(machine, name, scope) if scope else Client(machine, name)
            stack.callback(client.close)
            return client

        yield Stage(
            machine=machine,
            screen=screen,
            folder=folder,
            ffmpeg=ffmpeg,
            chain=Solana(machine.description.solana_rpc_url.split(",")),
            alice=person("alice"),
            bob=person("bob"),
            carol=person("carol"),
            producer=person("pixr-player", PRODUCER_SCOPE),
            makers=[person(name) for name in names],
        )
