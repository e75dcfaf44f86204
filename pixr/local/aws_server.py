"""The AWS emulator with a memory that survives a kill.

ministack saves its state only when it is stopped politely. This runs it with the same save also
every minute and on SIGUSR1, so that after ``kill -9`` the next start finds at most a minute lost.
Run as a program: ``python -P aws_server.py``; the environment configures it.
"""

from __future__ import annotations

import logging
import signal
from types import FrameType

from ministack import app  # type: ignore[import-untyped]  # it ships no types
from ministack.core import persistence  # type: ignore[import-untyped]  # likewise

SAVE_EVERY_S = 60.0


def save(_signal: int, _frame: FrameType | None) -> None:
    """Write the state of every service to STATE_DIR, also where nothing will be loaded from it."""
    persists = persistence.PERSIST_STATE
    persistence.PERSIST_STATE = True
    try:
        persistence.save_all(app._build_persistence_save_dict())  # noqa: SLF001 -- no public way
    finally:
        persistence.PERSIST_STATE = persists


if __name__ == "__main__":
    # Saving is said per service, and there are forty of them, every minute.
    logging.getLogger("persistence").setLevel(logging.WARNING)
    signal.signal(signal.SIGUSR1, save)
    if persistence.PERSIST_STATE:
        signal.signal(signal.SIGALRM, save)
        signal.setitimer(signal.ITIMER_REAL, SAVE_EVERY_S, SAVE_EVERY_S)
    app.main()
