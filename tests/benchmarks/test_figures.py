"""What a figure says of its repetitions."""

import json

import pytest
from rich.console import Console

from benchmarks.figures import Figure, Report, at_least, at_most, exact, median_of, minimum_of
from benchmarks.figures import quotients as divided
from benchmarks.screen import as_json, show


def test_the_median_and_how_far_the_rest_lay_apart() -> None:
    figure = median_of("a_per_s", "a", "/s", [3.0, 1.0, 100.0])
    assert (figure.value, figure.low, figure.high) == (3.0, 1.0, 100.0)


def test_the_least_stands_for_work_that_neighbours_only_slow_down() -> None:
    figure = minimum_of("a_ms", "a", "ms", [3.0, 1.0, 100.0])
    assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 100.0)


@pytest.mark.parametrize(("value", "is_met"), [(49.9, False), (50.0, True), (51.0, True)])
def test_a_goal_is_reached_from_below(value: float, *, is_met: bool) -> None:
    figure = at_least(exact("a", "a", "×", value), 50)
    assert (figure.goal, figure.is_met) == ("≥ 50 ×", is_met)


@pytest.mark.parametrize(("value", "is_met"), [(399.0, True), (400.0, True), (400.1, False)])
def test_a_goal_is_kept_from_above(value: float, *, is_met: bool) -> None:
    figure = at_most(exact("a", "a", "ms", value), 400)
    assert (figure.goal, figure.is_met) == ("≤ 400 ms", is_met)


def test_ratios_are_taken_repetition_by_repetition() -> None:
    assert divided([10.0, 1.0], [5.0, 0.5]) == [2.0, 2.0]


def report(*figures: Figure) -> Report:
    return Report(bench="wallet", conditions={"repeats": 2}, figures=figures, remarks=("So.",))


def test_json_has_every_figure_its_spread_and_its_goal() -> None:
    found = as_json(
        report(
            median_of("a_per_s", "a", "/s", [1234.5, 1236.5, 1300.0]),
            at_least(exact("b", "b", "×", 0.123456), 0.6),
        ),
        {"cpu": "one"},
    )
    assert found == {
        "bench": "wallet",
        "a_per_s": 1236,
        "b": 0.1235,
        "spread": {"a_per_s": [1234, 1300]},
        "goals": {"b": {"goal": "≥ 0.6 ×", "met": False}},
        "conditions": {"repeats": 2},
        "machine": {"cpu": "one"},
    }


def test_the_last_line_is_whole_however_narrow_the_window(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figure = median_of("a_per_s", "a figure with a long name", "/s", [1.0, 2.0])
    show(Console(width=40), report(figure), {"cpu": "x" * 200})
    printed = capsys.readouterr().out
    assert json.loads(printed.splitlines()[-1])["a_per_s"] == 1.5
    assert "So." in printed
