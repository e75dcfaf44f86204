"""Where films are cut: short of what a worker reads in vain, and never unevenly for it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.cutting import CHUNK_GOPS_MAX, CHUNK_GOPS_MIN, cut


@pytest.mark.parametrize(
    ("frames", "starts"),
    [
        (1, [0]),
        (240, [0]),
        (336, [0]),
        (359, [0, 192]),
        (360, [0, 192]),
        (720, [0, 240, 480]),
        (839, [0, 288, 576]),
        (840, [0, 288, 576]),
    ],
)
def test_where_nothing_is_known_of_key_frames_chunks_are_even(
    frames: int, starts: list[int]
) -> None:
    assert cut(frames, 48, ()) == starts
    assert cut(frames, 48, range(frames)) == starts


def test_a_cut_moves_behind_a_key_frame_that_is_near() -> None:
    # Every 250 frames, as x264 sets them; even cuts would read 0, 10, 230 and 220 in vain.
    assert cut(1200, 48, range(0, 1200, 250)) == [0, 288, 528, 768, 1008]


def test_a_cut_stays_where_moving_it_would_save_less_than_evenness_is_worth() -> None:
    # Every two seconds, on a grid of its own: all cuts read as much.
    assert cut(720, 48, range(0, 720, 47)) == [0, 240, 480]


@given(
    st.integers(1, 20_000),
    st.integers(1, 120),
    st.lists(st.integers(0, 20_000), max_size=60).map(sorted),
)
def test_chunks_are_whole_gops_and_neither_short_nor_long(
    frames: int, gop_frames: int, keys: list[int]
) -> None:
    starts = cut(frames, gop_frames, keys)
    assert starts[0] == 0
    lengths = [later - earlier for earlier, later in pairwise([*starts, frames])]
    assert all(start % gop_frames == 0 for start in starts)
    assert max(lengths) <= CHUNK_GOPS_MAX * gop_frames
    if len(lengths) > 1:
        assert min(lengths[:-1]) >= CHUNK_GOPS_MIN * gop_frames
        assert lengths[-1] > (CHUNK_GOPS_MIN - 1) * gop_frames
    even = cut(frames, gop_frames, ())
    assert in_vain(starts, keys) <= in_vain(even, keys)


def in_vain(starts: list[int], keys: list[int]) -> int:
    return sum(start - max((key for key in keys if key <= start), default=0) for start in starts)
