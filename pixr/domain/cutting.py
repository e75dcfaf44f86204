"""Where a film is cut into chunks: on our GOPs, near the source's key frames, of even lengths.

    source's key frames   K · · · · · · K · · · · · · · K · · · · · K
    grid of our GOPs      |   |   |   |   |   |   |   |   |   |   |
    chunks                [ 0         )[ 1         )[ 2        )[ 3

A worker decodes from the key frame before its chunk. Cameras set one every two seconds, encoders
for the web every ten: cut anywhere, their workers read and decode half a chunk in vain.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from pixr.domain.renditions import CHUNK_MS

GOP_MS: Final = 2_000
"""A key frame about every two seconds, at the same frames in every rung: players switch there."""

CHUNK_GOPS: Final = CHUNK_MS // GOP_MS
"""The length that is aimed at."""

CHUNK_GOPS_MIN: Final = 3
CHUNK_GOPS_MAX: Final = 7
"""A short chunk costs quality, and everybody waits for a long one."""

EVENNESS: Final = 4
"""A cut may move by a GOP for what saves half of one: each of the two chunks beside it is worth a
quarter, and four times that for the second GOP."""


def cut(frames: int, gop_frames: int, keys: Sequence[int]) -> list[int]:
    """Choose the first frame of each chunk.

    Args:
        frames: Of the film, at least 1.
        gop_frames: Of each GOP of ours.
        keys: The frames that the source can be decoded from, rising; empty where nobody knows.

    Returns:
        Multiples of ``gop_frames``, rising, the first 0.
    """
    gops = -(-frames // gop_frames)
    # costs[n]: of the best way to cut the first n GOPs, and where its last chunk begins.
    costs: list[tuple[int, int]] = [(0, 0)]
    for end in range(1, gops + 1):
        # What is too short to be cut is one chunk.
        begins = range(max(0, end - CHUNK_GOPS_MAX), max(0, end - CHUNK_GOPS_MIN) + 1)
        costs.append(
            min(
                (costs[begin][0] + _cost(begin, end, frames, gop_frames, keys), begin)
                for begin in begins
            )
        )
    starts = [costs[gops][1]]
    while starts[-1] > 0:
        starts.append(costs[starts[-1]][1])
    return [begin * gop_frames for begin in reversed(starts)]


def _cost(begin: int, end: int, frames: int, gop_frames: int, keys: Sequence[int]) -> int:
    """Of one chunk: frames before it that are decoded in vain, and how far it is from even."""
    first, last = begin * gop_frames, min(end * gop_frames, frames)
    off = last - first - CHUNK_GOPS * gop_frames
    return EVENNESS * gop_frames * _in_vain(first, keys) + off * off


def _in_vain(first: int, keys: Sequence[int]) -> int:
    if not keys:
        return 0
    before = bisect_right(keys, first)
    return first - (keys[before - 1] if before else 0)
