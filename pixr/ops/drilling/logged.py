"""What the settlers themselves complained about while a drill went on, from their logs.

Nothing in here decides whether a drill is clean: an outage is said by those who meet it. But a
fault that names no outage is worth a look, and so is a line that could not be written.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

SERVICE: Final = "batch"
LEVELS: Final = ("WARNING", "ERROR", "CRITICAL")
BEGIN: Final = '{"level"'
UNWRITTEN: Final = "--- Logging error ---"
"""How Python's logging begins to say so, of any function."""

REASON_FIELDS: Final = ("fault", "reason", "exception_name")
NUMBERS: Final = re.compile(r"[0-9][0-9a-f.:-]*")
REASON_CHARS_MAX: Final = 80


def complaints(logs: Iterable[Path]) -> Counter[str]:
    """Count what was logged above INFO, by event and by the beginning of its reason."""
    found: Counter[str] = Counter()
    for path in logs:
        with path.open(errors="replace") as log:
            for text in log:
                if text.startswith(UNWRITTEN):
                    found["a line that could not be written"] += 1
                line = _parse(text)
                if line.get("service") == SERVICE and line.get("level") in LEVELS:
                    found[_name(line)] += 1
    return found


def anonymous(text: str) -> str:
    """A text without its numbers and line breaks, so that like can be counted with like."""
    return NUMBERS.sub("#", " ".join(text.split()))[:REASON_CHARS_MAX]


def _parse(text: str) -> dict[str, Any]:
    """A line of a log; empty when it is none, or was cut off by a kill."""
    begin = text.find(BEGIN)
    if begin < 0:
        return {}
    try:
        found: dict[str, Any] = json.loads(text[begin:])
    except ValueError:
        return {}
    return found


def _name(line: dict[str, Any]) -> str:
    reason = next((str(line[name]) for name in REASON_FIELDS if line.get(name)), "")
    event = str(line.get("message"))
    return f"{event}: {anonymous(reason)}" if reason else event
