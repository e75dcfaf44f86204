"""How the demo looks: acts, facts below them, a spinner with a clock on whatever takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Screen:
    """Prints to a terminal, or plain lines to whatever is none."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._acts = 0

    def act(self, title: str) -> None:
        """Begin the next act."""
        self._acts += 1
        self.console.print(f"\n[bold cyan]{self._acts}. {escape(title)}[/]")

    def fact(self, text: str) -> None:
        """Say one thing that is now true."""
        self.console.print(f"   [green]✓[/] {escape(text)}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Say something beside the story."""
        self.console.print(f"     [dim]{escape(text)}[/]", soft_wrap=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[Waiting]:
        """Show that something takes its time, and how long it has taken."""
        begun_s = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"   … {what}")
            yield Waiting(begun_s)
            return
        with Progress(
            TextColumn("  "),
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        ) as progress:
            task = progress.add_task(escape(what), total=None)
            yield Waiting(begun_s, lambda text: progress.update(task, description=escape(text)))


class Waiting:
    """Something under way."""

    def __init__(self, begun_s: float, tell: object = None) -> None:
        self._begun_s = begun_s
        self._tell = tell

    def tell(self, text: str) -> None:
        """Change what is shown."""
        if callable(self._tell):
            self._tell(text)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._begun_s
