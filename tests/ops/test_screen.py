"""The demo on a terminal, in a pipe, and where colours are not wanted."""

import io

import pytest
from rich.console import Console

from pixr.ops.story.screen import Screen
from pixr.ops.verification import Check
from pixr.ops.verify import show

COLOUR = "\x1b[32m"


def tell(console: Console) -> None:
    screen = Screen(console)
    screen.act("An act [with brackets]")
    with screen.waiting("working") as waiting:
        waiting.tell("working harder")
        screen.fact("something is true")
        assert waiting.seconds >= 0
    screen.note("beside it")


def test_a_terminal_gets_colours_and_a_clock() -> None:
    out = io.StringIO()
    tell(Console(file=out, force_terminal=True, color_system="standard", width=100))
    assert COLOUR in out.getvalue()
    assert "working harder" in out.getvalue()
    assert "0:00:0" in out.getvalue()


def test_a_pipe_gets_plain_lines() -> None:
    out = io.StringIO()
    tell(Console(file=out, width=100))
    assert out.getvalue() == (
        "\n1. An act [with brackets]\n   … working\n   ✓ something is true\n     beside it\n"
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    tell(Console(file=out, force_terminal=True, width=100))
    assert COLOUR not in out.getvalue()


def test_differences_are_shown_and_counted() -> None:
    out = io.StringIO()
    many = tuple(f"difference {number}" for number in range(25))
    checks = [
        Check(name="all is well", compared=None, differences=()),
        Check(name="all is ill", compared=25, differences=many),
    ]
    assert not show(Console(file=out, width=100), checks)
    assert "all is ill: difference 0" in out.getvalue()
    assert "… and 5 more" in out.getvalue()
    assert show(Console(file=out, width=100), checks[:1])
