"""One-time codes of authenticator apps (RFC 6238), by pyotp; their QR codes, by segno."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

from pyotp.totp import TOTP

from pixr.domain.second_factor import (
    DIGITS,
    DRIFT_STEPS,
    RECOVERY_CODE_BYTES,
    RECOVERY_CODES,
    STEP_S,
)

SECRET_BYTES: Final = 20
"""As long as the hash, which RFC 4226 §4 recommends."""
ISSUER: Final = "Pixr"

QR_SCALE: Final = 4
"""Pixels a module: 200 or so in all."""


def fresh_secret() -> bytes:
    """Return a secret that nobody has seen."""
    return secrets.token_bytes(SECRET_BYTES)


def fresh_chances() -> list[bytes]:
    """Return the random bytes of a set of recovery codes."""
    return [secrets.token_bytes(RECOVERY_CODE_BYTES) for _ in range(RECOVERY_CODES)]


def step_of(secret: bytes, code: str, *, now: datetime) -> int | None:
    """Return the step that ``code`` belongs to, near ``now``; None when it belongs to none.

    Args:
        secret: As ``fresh_secret`` made it.
        code: ``DIGITS`` ASCII digits.
        now: The time; a step is ``STEP_S`` seconds since 1970.
    """
    otp = _otp(secret)
    current = int(now.timestamp()) // STEP_S
    found: int | None = None
    # All are compared, so that the time it takes says nothing.
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(otp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def otpauth_uri(secret: bytes, *, name: str) -> str:
    """Return what an authenticator app reads: ``otpauth://totp/Pixr:name?secret=…``."""
    return _otp(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def qr_svg(text: str) -> str:
    """Draw ``text`` as a QR code: an SVG element to put into a page."""
    import segno  # noqa: PLC0415 -- only an enrolment draws

    return segno.make_qr(text, error="m").svg_inline(scale=QR_SCALE, light="white")


def _otp(secret: bytes) -> TOTP:
    return TOTP(base64.b32encode(secret).decode(), digits=DIGITS, interval=STEP_S)
