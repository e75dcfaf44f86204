"""How much of a source a chunk's worker cannot do without.

moov │ … key ═══ preroll ═══▶ first frame of the chunk ═══════════▶ last │ …
 └ index      └ decoded in vain, for the decoder begins at a key frame    └ whatever is read more
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.postgres import Row
from pixr.domain.media import Chunk, Plan, listing_arguments

TIMEOUT_S: Final = 600
HEAD_BYTES: Final = 8
KEY: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet of the source."""

    at_s: Fraction
    """When it is shown, or heard."""
    size_bytes: int
    is_picture: bool
    is_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one chunk's worker read, and of what."""

    read_bytes: int
    own_bytes: int
    """Of the source's packets, sound included, whatever is shown in the time of the chunk."""
    preroll_bytes: int
    """From the key frame before it."""
    index_bytes: int

    @property
    def plain(self) -> float:
        """What was read ÷ the chunk's own share."""
        return self.read_bytes / self.own_bytes

    @property
    def of_needed(self) -> float:
        """What was read ÷ all that must be."""
        return self.read_bytes / (self.own_bytes + self.preroll_bytes + self.index_bytes)


def shares(ffmpeg: Ffmpeg, source: Path, plan: Plan, chunks: Sequence[Row]) -> list[Share]:
    """For each chunk of a job; the source is a plain MP4."""
    listed = ffmpeg.make(listing_arguments(source), timeout_s=TIMEOUT_S).output
    packets, index_bytes = read_packets(listed), moov_bytes(source)
    keys = sorted(packet.at_s for packet in packets if packet.is_picture and packet.is_key)
    found: list[Share] = []
    for row in chunks:
        position = Chunk.read(row).position
        start_s, end_s = plan.start_s(position), plan.start_s(position + 1)
        from_s = max((key for key in keys if key <= start_s), default=start_s)
        found.append(
            Share(
                read_bytes=row["bytes_read"],
                own_bytes=between(packets, start_s, end_s),
                preroll_bytes=between(packets, from_s, start_s),
                index_bytes=index_bytes,
            )
        )
    return found


def between(packets: Sequence[Packet], start_s: Fraction, end_s: Fraction) -> int:
    """Bytes of the packets that are shown or heard from ``start_s`` to before ``end_s``."""
    return sum(packet.size_bytes for packet in packets if start_s <= packet.at_s < end_s)


def read_packets(listing: str) -> list[Packet]:
    """The packets of FFmpeg's ``framecrc``."""
    bases = {
        int(number): Fraction(base)
        for number, base in re.findall(r"^#tb (\d+): (\d+/\d+)$", listing, re.MULTILINE)
    }
    pictures = {
        int(number) for number in re.findall(r"^#media_type (\d+): video$", listing, re.MULTILINE)
    }
    packets: list[Packet] = []
    for line in listing.splitlines():
        if not line or line.startswith("#"):
            continue
        stream, _, pts, _, size, *_ = (part.strip() for part in line.split(","))
        # Flags are only printed where they are others than "key frame".
        flags = re.search(r", F=0x([0-9A-F]+)", line)
        packets.append(
            Packet(
                at_s=int(pts) * bases[int(stream)],
                size_bytes=int(size),
                is_picture=int(stream) in pictures,
                is_key=bool(int(flags[1], 16) & KEY) if flags else True,
            )
        )
    return packets


def moov_bytes(path: Path) -> int:
    """The size of an MP4 file's index."""
    with path.open("rb") as file:
        while head := file.read(HEAD_BYTES):
            size, name = int.from_bytes(head[:4]), head[4:]
            skipped = HEAD_BYTES
            if size == 1:
                size, skipped = int.from_bytes(file.read(8)), 2 * HEAD_BYTES
            if name == b"moov":
                return size
            file.seek(size - skipped, 1)
    raise ValueError(f"{path.name} has no index")
