"""The highest CRF that reaches the target, and never one beyond the bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.tuning import CRF_MAX, CRF_MIN, CRFS, choose, read_score

SCORES = st.floats(min_value=0, max_value=100)


@pytest.mark.parametrize(
    ("scores", "crf"),
    [
        ({19: 96.3, 25: 92.7, 31: 85.7}, 24),  # a real film at 480
        ({19: 95.4, 25: 91.1, 31: 82.2}, 22),  # the same at 720
        ({19: 93.0, 25: 80.0, 31: 60.0}, 19),
        ({19: 92.0, 25: 80.0, 31: 60.0}, CRF_MIN),  # 94 at 18 would do, and 18 is the least
        ({19: 60.0, 25: 50.0, 31: 40.0}, CRF_MIN),
        ({19: 99.0, 25: 98.0, 31: 97.0}, CRF_MAX),
        ({19: 97.0, 25: 93.0, 31: 70.0}, 25),
        ({19: 90.0, 25: 94.0, 31: 80.0}, 25),  # a score that rises with the CRF happens
    ],
)
def test_choices(scores: dict[int, float], crf: int) -> None:
    assert choose(scores, 93) == crf


@given(st.tuples(SCORES, SCORES, SCORES), st.integers(min_value=1, max_value=99))
def test_what_is_more_demanding_never_gets_a_higher_crf(
    values: tuple[float, float, float], target: int
) -> None:
    scores = dict(zip(CRFS, values, strict=True))
    assert CRF_MIN <= choose(scores, target + 1) <= choose(scores, target) <= CRF_MAX


@pytest.mark.parametrize(
    "report",
    ["", "{}", '{"pooled_metrics": 5}', '{"pooled_metrics": {"vmaf": {"mean": NaN}}}', "[]"],
)
def test_a_report_without_a_score(report: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_score(report)
