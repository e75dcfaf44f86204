"""The second factor: what a code must be, and what wrong ones lead to.

    none ──enrol──▶ pending ──confirm with a code──▶ active ──remove with a code──▶ none
             ▲         │                                        withdrawals freeze for a day
             └─again───┘

A TOTP code (RFC 6238: six digits, 30 s, SHA-1) holds for its step and for the one before and after
it, and works once. A recovery code brings a lost factor back and moves no money: it removes the
factor, and that freezes withdrawals for a day in which the owner can notice.
"""

import base64
import hashlib
import re
from datetime import timedelta
from typing import Final

DIGITS: Final = 6
STEP_S: Final = 30
DRIFT_STEPS: Final = 1
"""A phone's clock may be wrong by so many steps in either direction."""

ENROLMENT_LIFE: Final = timedelta(minutes=15)
"""A secret that was shown and not confirmed by then is forgotten."""

FAILURES_WINDOW: Final = timedelta(minutes=15)
FAILURES_MAX: Final = 5
LOCK: Final = timedelta(minutes=15)

FAILURES_PER_DAY: Final = timedelta(days=1)
FAILURES_PER_DAY_MAX: Final = 20
"""Without it 480 guesses a day go through: one in 700 days would hit. With it, one in 45 years."""
LONG_LOCK: Final = timedelta(days=1)

FREEZE: Final = timedelta(hours=24)
"""After a factor was removed, whoever did it."""

RECOVERY_CODES: Final = 10
RECOVERY_CODE_BYTES: Final = 10
"""80 bits of chance: a hash of it needs neither salt nor slowness."""

_RECOVERY_CODE: Final = re.compile(r"[A-Z2-7]{16}")
_GROUP: Final = 4


def lock_after(*, failures: int, failures_per_day: int) -> timedelta | None:
    """For how long so many wrong codes lock the factor; None: not yet.

    Args:
        failures: Within ``FAILURES_WINDOW``, the one at hand included.
        failures_per_day: Within ``FAILURES_PER_DAY``, likewise.
    """
    if failures_per_day >= FAILURES_PER_DAY_MAX:
        return LONG_LOCK
    return LOCK if failures >= FAILURES_MAX else None


def write_recovery_code(chance: bytes) -> str:
    """Write ``RECOVERY_CODE_BYTES`` random bytes as a person copies them: ``ABCD-EFGH-…``."""
    assert len(chance) == RECOVERY_CODE_BYTES
    text = base64.b32encode(chance).decode()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def read_recovery_code(text: str) -> str | None:
    """Return the code without dashes, spaces and small letters; None when it is none."""
    plain = text.upper().replace("-", "").replace(" ", "")
    return plain if _RECOVERY_CODE.fullmatch(plain) else None


def recovery_digest(code: str) -> bytes:
    """What is kept of a recovery code: SHA-256 of it as ``read_recovery_code`` gives it."""
    return hashlib.sha256(b"pixr/recovery/v1/" + code.encode()).digest()
