"""Goal: an upgrade is sold when it shows something new, and its progress never lies."""

import pytest

from pixr.domain.errors import BeingMade, Malformed, NoGain, TooSmall
from pixr.domain.investments import (
    blocking_dust,
    check_gain,
    check_investors,
    check_share,
    parse_quality,
    progress_percent,
    return_cap,
)
from pixr.domain.money import Lamports
from pixr.domain.renditions import Size

FULL_HD = Size(width_px=1920, height_px=1080)
PORTRAIT = Size(width_px=1080, height_px=1920)
RENT = 890_880


@pytest.mark.parametrize("value", [1080, "1080", "1080p"], ids=repr)
def test_a_quality_is_read(value: object) -> None:
    assert parse_quality(value) == 1080


@pytest.mark.parametrize(
    "value",
    [
        "",
        "p",
        "1080i",
        "1080P",
        " 1080",
        "1080p\n",
        "١٠٨٠",
        "240p",
        1081,
        0,
        -1080,
        1080.0,
        None,
        True,
        [],
    ],
    ids=ascii,
)
def test_what_is_no_quality_is_refused(value: object) -> None:
    with pytest.raises(Malformed, match="1080p"):
        parse_quality(value)


@pytest.mark.parametrize("size", [FULL_HD, PORTRAIT])
def test_a_rung_that_the_source_has_is_sold(size: Size) -> None:
    check_gain(1080, source=size, detail=None, present=[480], making=[720])


@pytest.mark.parametrize(
    ("rung", "source", "present", "reason"),
    [
        (1080, None, [], "no source"),
        (480, FULL_HD, [480], "there already"),
        (1440, FULL_HD, [480], "1080 px"),
    ],
)
def test_a_rung_without_gain_is_not_sold(
    rung: int, source: Size | None, present: list[int], reason: str
) -> None:
    with pytest.raises(NoGain, match=reason):
        check_gain(rung, source=source, detail=None, present=present, making=[])


def test_a_rung_that_is_being_made_is_not_sold() -> None:
    with pytest.raises(BeingMade, match="480p is being made"):
        check_gain(480, source=FULL_HD, detail=None, present=[], making=[480])


@pytest.mark.parametrize(
    ("escrow", "available", "leaving", "undecided", "blocking"),
    [
        (5 * RENT, 0, 5 * RENT, 0, 0),
        (5 * RENT + 1, 1, 5 * RENT, 0, 1),
        (6 * RENT - 1, RENT - 1, 5 * RENT, 0, RENT - 1),
        # As much as an account may keep.
        (6 * RENT, RENT, 5 * RENT, 0, 0),
        # A refund that was put aside stays, and so does what is not decided.
        (5 * RENT + 1, 1, 3 * RENT, 0, 0),
        (5 * RENT + 1, 2 * RENT + 1, 3 * RENT, 2 * RENT, 0),
        # Never what is somebody's, however little it is.
        (5 * RENT + 8, 8, 5 * RENT, 7, 0),
        (5 * RENT + 8, 1, 5 * RENT, 0, 0),
    ],
)
def test_dust_leaves_the_escrow_only_where_it_blocks(
    escrow: int, available: int, leaving: int, undecided: int, blocking: int
) -> None:
    found = blocking_dust(
        escrow,
        available_lamports=available,
        leaving_lamports=leaving,
        undecided_lamports=undecided,
    )
    assert found == blocking


def test_returns_stop_at_the_cap() -> None:
    assert return_cap(Lamports(101), cap_bps=15_000) == 151
    assert return_cap(Lamports(101), cap_bps=10_000) == 101
    assert return_cap(Lamports(101), cap_bps=0) is None


@pytest.mark.parametrize(
    ("invested", "open_before"), [(RENT, RENT), (RENT, 2 * RENT), (5 * RENT, 10 * RENT)]
)
def test_a_part_is_worth_a_transaction_and_leaves_one(invested: int, open_before: int) -> None:
    check_share(Lamports(invested), open_lamports=open_before)


@pytest.mark.parametrize(
    ("invested", "open_before", "said"),
    [
        (1, 10 * RENT, "the least one can invest"),
        (RENT - 1, RENT - 1, "the least one can invest"),
        (RENT, 2 * RENT - 1, "would remain open"),
    ],
)
def test_a_part_that_is_too_small_is_refused(invested: int, open_before: int, said: str) -> None:
    with pytest.raises(TooSmall, match=said):
        check_share(Lamports(invested), open_lamports=open_before)


def test_a_rung_that_was_seen_to_hold_nothing_is_not_sold() -> None:
    with pytest.raises(NoGain, match=r"no visible gain.*48\.10 dB"):
        check_gain(1080, source=FULL_HD, detail={"1080": 4_810}, present=[], making=[])
    check_gain(1080, source=FULL_HD, detail={"1080": 3_890}, present=[], making=[])


def test_a_split_bears_a_thousand_investors() -> None:
    check_investors(999)
    with pytest.raises(NoGain, match="1000 investors"):
        check_investors(1_000)


@pytest.mark.parametrize(
    ("state", "done", "total", "percent"),
    [
        ("QUEUED", 0, None, 0),
        ("TUNING", 0, 3, 1),
        ("ENCODING", 0, 3, 1),
        ("ENCODING", 1, 3, 31),
        ("ENCODING", 3, 3, 95),
        ("ENCODING", 0, None, 1),
        ("CONVERTING", 2, 3, 63),
        ("ASSEMBLING", 3, 3, 95),
        ("PUBLISHED", 3, 3, 100),
        ("REJECTED", 0, None, None),
        ("FAILED", 2, 3, None),
    ],
)
def test_progress_only_ends_at_a_hundred_when_it_is_published(
    state: str, done: int, total: int | None, percent: int | None
) -> None:
    assert progress_percent(state, frames_done=done, frames_total=total) == percent
