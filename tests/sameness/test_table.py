"""Pairs of real films get the verdicts that they must, well away from the limits.

Every variant is tried, on animation or on live action; `python -m tests.sameness.table` tries both.
"""

import sys
from pathlib import Path

from tests.sameness.films import DIFFERENT, SAME, SHIFTED
from tests.sameness.table import LIMITS, judge_pairs, page

# What separates pictures must do so by far; sounds of 12 seconds are shorter than the rest.
PASSING_PERCENT_MAX = {
    "window_difference_max": 50,
    "difference_p95": 50,
    "contradictions_p95": 100,
    "contradictions_pair_max": 50,
    "sound_error": 60,
    "sound_window_error_max": 60,
}


def test_every_variant_gets_its_verdict_with_a_margin(tmp_path: Path) -> None:
    rows = list(judge_pairs(tmp_path, is_all=False))
    sys.stdout.write(page(rows))
    assert [row.complaint for row in rows if row.complaint] == []
    assert {row.judgement.verdict.value for row in rows} == {SAME, SHIFTED, DIFFERENT}
    close = [
        (row.film, row.name, name, value)
        for row in rows
        if row.variant.verdict in (SAME, SHIFTED)
        for name, limit in LIMITS.items()
        if (value := row.figure(name)) is not None
        if 100 * value > PASSING_PERCENT_MAX[name] * limit
    ]
    assert close == []
    # Each film that must be refused breaks a limit by far, or plainly fits elsewhere.
    plain = [
        (row.film, row.name)
        for row in rows
        if row.variant.verdict == DIFFERENT and row.name != "no sound"
        if max(100 * (row.figure(name) or 0) // limit for name, limit in LIMITS.items()) < 125
        if not any("fit better" in reason for reason in row.judgement.reasons)
    ]
    assert plain == []
