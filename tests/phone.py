"""A user's authenticator: it scans what an enrolment shows, and shows the code of a moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp

if TYPE_CHECKING:
    from tests.house import House

STEP_S = 30


@dataclass(kw_only=True)
class Phone:
    """Shows codes that the server has not seen: of the step before, of this, of the next."""

    totp: pyotp.TOTP
    steps: list[int]

    @classmethod
    def scan(cls, uri: str) -> Phone:
        parsed = pyotp.parse_uri(uri)
        assert isinstance(parsed, pyotp.TOTP)
        now = int(time.time()) // STEP_S
        return cls(totp=parsed, steps=[now - 1, now, now + 1])

    def code(self) -> str:
        """A code that holds now and was not shown before; three of them within a minute."""
        return self.totp.generate_otp(self.steps.pop(0))

    def wrong(self) -> str:
        """A code that holds at no moment near."""
        now = int(time.time()) // STEP_S
        near = {self.totp.generate_otp(step) for step in range(now - 5, now + 10)}
        return next(code for code in ("000000", "111111", "222222") if code not in near)


def enrolled(house: House, user_id: str = "alice") -> tuple[Phone, list[str]]:
    """Set up a second factor for a user; the phone, and the recovery codes."""
    shown = house.post("/2fa/enroll", None, sub=user_id)
    assert shown.status == 200, shown
    phone = Phone.scan(shown.body["otpauth_uri"])
    confirmed: Any = house.post("/2fa/confirm", {"totp_code": phone.code()}, sub=user_id)
    assert confirmed.status == 200, confirmed
    return phone, confirmed.body["recovery_codes"]
