"""Looks for many secrets at once, in whatever can be read as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ahocorasick_rs import BytesAhoCorasick

from pixr.ops.hygiene.needles import Secret, forms

CHUNK_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something that was written down, and which secrets are at home there, by how they begin."""

    name: str
    content: bytes | Path
    homes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A secret where it must not be."""

    secret: str
    form: str
    place: str

    def __str__(self) -> str:
        return f"{self.secret} ({self.form}) in {self.place}"


class Searcher:
    """All forms of all secrets, ready to be looked for in one pass."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._found: list[tuple[str, str]] = []
        patterns: list[bytes] = []
        for secret in secrets:
            for form, pattern in forms(secret):
                self._found.append((secret.name, form))
                patterns.append(pattern)
        self._longest = max(map(len, patterns))
        self._automaton = BytesAhoCorasick(patterns)
        self.bytes_read = 0
        self.at_home: set[str] = set()
        """Secrets that were found where they may be: proof that the search sees anything."""

    def look(self, places: Iterable[Place]) -> list[Leak]:
        """Read every place and return what must not be there, each once."""
        leaks: dict[Leak, None] = {}
        for place in places:
            for chunk in self._chunks(place.content):
                for number, _, _ in self._automaton.find_matches_as_indexes(
                    chunk, overlapping=True
                ):
                    name, form = self._found[number]
                    if name.startswith(place.homes):
                        self.at_home.add(name)
                    else:
                        leaks[Leak(secret=name, form=form, place=place.name)] = None
        return list(leaks)

    def _chunks(self, content: bytes | Path) -> Iterator[bytes]:
        if isinstance(content, bytes):
            self.bytes_read += len(content)
            yield content
            return
        kept = b""
        try:
            file = content.open("rb")
        except FileNotFoundError:
            # A server at work takes files of its own away.
            return
        with file:
            while piece := file.read(CHUNK_BYTES):
                self.bytes_read += len(piece)
                yield kept + piece
                # What begins in this piece may end in the next.
                kept = piece[-self._longest :]
