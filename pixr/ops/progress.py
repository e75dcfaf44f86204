"""What a person sees while parts start: spinners on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pixr.local.machine import Step


class Steps:
    """Shows a machine's start; ``report`` may be called from any thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def report(self, step: Step) -> None:
        """Show that a part begins or is ready."""
        with self._lock:
            if not self._console.is_terminal:
                if step.seconds is not None:
                    self._console.print(f"{step.part} ready after {step.seconds:.1f} s")
            elif step.seconds is None:
                self._tasks[step.part] = self._progress.add_task(step.part, total=1)
            else:
                self._progress.update(self._tasks[step.part], completed=1)
