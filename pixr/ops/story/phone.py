"""Alice's authenticator: it scans what an enrolment shows, and shows a code every 30 seconds."""

from __future__ import annotations

import base64
import time

import pyotp

from pixr.domain.second_factor import STEP_S
from pixr.ops.story.client import Client, wait_for

CONFIRM_TIMEOUT_S = 2.0 * STEP_S


class Phone:
    """Shows each code once: nobody types one twice."""

    def __init__(self, otpauth_uri: str) -> None:
        totp = pyotp.parse_uri(otpauth_uri)
        assert isinstance(totp, pyotp.TOTP)
        self._totp = totp
        self.secret = base64.b32decode(totp.secret)
        self._shown_step = 0

    def code(self) -> str:
        """The code of this moment; waits for the next one when this was shown before."""
        step = wait_for("the next code", self._fresh_step, timeout_s=CONFIRM_TIMEOUT_S)
        self._shown_step = step
        return self._totp.generate_otp(step)

    def _fresh_step(self) -> int | None:
        step = int(time.time()) // STEP_S
        return step if step > self._shown_step else None


def enrolled(client: Client) -> tuple[Phone, list[str]]:
    """Set up a second factor; the phone that shows its codes, and the recovery codes."""
    phone = Phone(client.post("/2fa/enroll", {})["otpauth_uri"])
    confirmed = client.post("/2fa/confirm", {"totp_code": phone.code()})
    return phone, confirmed["recovery_codes"]
