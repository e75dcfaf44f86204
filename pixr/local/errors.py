"""What can be wrong with one machine, said so that its owner can mend it."""

from __future__ import annotations


class LocalError(Exception):
    """The machine cannot start or go on: one line, what is wrong and how to mend it.

    The command line prints the line and exits with 2; nothing is left running.
    """

    def __init__(self, what: str, *, mend: str) -> None:
        super().__init__(f"{what} {mend}")
        self.what = what
        self.mend = mend
