"""How often somebody may ask, in any minute."""

from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60
SLICES: Final = 12
"""Room comes back in twelfths of a window: five seconds late at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most ``count_max`` requests in any ``window_s`` seconds."""

    name: str
    """How it is called in front of callers, and in Redis."""
    count_max: int
    window_s: int = WINDOW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of a rate for somebody."""

    rate: Rate
    is_refused: bool
    remaining: int
    reset_s: int
    """Until there is more room."""
