"""The life of a second factor: enrol, confirm, renew the recovery codes, remove."""

from datetime import datetime
from uuid import UUID

from functions.second_factor import IN_HEADER, spend_code
from functions.wallet.answers import Enrolment, RecoveryCodes, TwoFactor
from pixr.adapters import totp
from pixr.adapters.keys import Vault
from pixr.adapters.postgres import Database, second_factors
from pixr.adapters.postgres.second_factors import Factor, Verdict
from pixr.domain.errors import (
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorPresent,
    WrongCode,
)
from pixr.domain.second_factor import (
    ENROLMENT_LIFE,
    read_recovery_code,
    recovery_digest,
    write_recovery_code,
)


def show(db: Database, user_id: str, *, is_required: bool, now: datetime) -> TwoFactor:
    """Say whether there is a factor, and what is left of its recovery codes."""
    shown = second_factors.show(db, user_id, now=now)
    return TwoFactor(
        required=is_required,
        enrolled=shown.is_enrolled,
        recovery_codes_left=shown.recovery_codes_left,
        withdrawals_frozen_until=shown.frozen_until,
    )


def enroll(
    db: Database, vault: Vault, user_id: str, *, factor_id: UUID, now: datetime
) -> Enrolment:
    """Make a secret and show it, this once. It protects nothing before ``confirm``.

    Raises:
        SecondFactorPresent: There is one; replacing it takes a code.
        KeysUnreachable: It cannot be sealed; nothing was kept.
    """
    present = second_factors.find(db, user_id)
    if present is not None and present.is_active:
        raise SecondFactorPresent
    secret = totp.fresh_secret()
    factor = Factor(
        id=factor_id,
        user_id=user_id,
        is_active=False,
        sealed=vault.seal(secret, user_id=user_id),
        enrolled_at=now,
    )
    uri = totp.otpauth_uri(secret, name=user_id)
    shown = Enrolment(otpauth_uri=uri, qr_svg=totp.qr_svg(uri), expires_at=now + ENROLMENT_LIFE)
    # Last: a secret whose making failed is nobody's.
    second_factors.enroll(db, factor, now=now)
    return shown


def confirm(db: Database, vault: Vault, user_id: str, code: str, *, now: datetime) -> RecoveryCodes:
    """Let the factor count, and show its recovery codes, this once.

    Raises:
        SecondFactorPresent: It counts already.
        SecondFactorMissing: Nothing waits to be confirmed, or it waited too long.
        WrongCode: The app shows other digits.
        SecondFactorLocked: Too many were wrong.
    """
    factor = second_factors.find(db, user_id)
    if factor is not None and factor.is_active:
        raise SecondFactorPresent
    if factor is None or now >= factor.enrolled_at + ENROLMENT_LIFE:
        raise _nothing_waits()
    spend_code(db, vault, factor, code, now=now)
    codes, digests = _fresh_codes()
    if not second_factors.activate(db, factor, digests, now=now):
        raise _nothing_waits()
    return RecoveryCodes(recovery_codes=codes)


def renew_recovery_codes(
    db: Database, vault: Vault, user_id: str, code: str, *, now: datetime
) -> RecoveryCodes:
    """Show a new set of recovery codes; the old ones open nothing any more.

    Raises:
        SecondFactorMissing: There is no factor.
        WrongCode: The code is wrong, or was used before.
        SecondFactorLocked: Too many were wrong.
    """
    factor = _active(db, user_id)
    spend_code(db, vault, factor, code, now=now)
    codes, digests = _fresh_codes()
    if not second_factors.renew_codes(db, factor, digests, now=now):
        raise _none_set_up()
    return RecoveryCodes(recovery_codes=codes)


def remove(
    db: Database,
    vault: Vault,
    user_id: str,
    *,
    code: str | None,
    recovery_code: str | None,
    now: datetime,
) -> None:
    """Forget the factor, for a code or for a recovery code; withdrawals freeze for a day.

    Raises:
        SecondFactorMissing: There is no factor.
        SecondFactorNeeded: Neither code came.
        WrongCode: What came is wrong, or was used before.
        SecondFactorLocked: Too many were wrong.
    """
    factor = _active(db, user_id)
    if code is not None:
        spend_code(db, vault, factor, code, now=now)
    elif recovery_code is not None:
        plain = read_recovery_code(recovery_code)
        digest = None if plain is None else recovery_digest(plain)
        verdict = second_factors.judge_recovery_code(db, factor, digest, now=now)
        if verdict is not Verdict.RIGHT:
            raise WrongCode("that is no recovery code of yours, or it was used already")
    else:
        raise SecondFactorNeeded(f"{IN_HEADER}, or a recovery code as Recovery-Code")
    second_factors.remove(db, factor, actor=user_id, now=now)


def _active(db: Database, user_id: str) -> Factor:
    factor = second_factors.find(db, user_id)
    if factor is None or not factor.is_active:
        raise _none_set_up()
    return factor


def _fresh_codes() -> tuple[list[str], list[bytes]]:
    """A set of recovery codes to be shown, and what is kept of them."""
    codes = [write_recovery_code(chance) for chance in totp.fresh_chances()]
    plain = [read_recovery_code(code) for code in codes]
    return codes, [recovery_digest(code) for code in plain if code is not None]


def _none_set_up() -> SecondFactorMissing:
    return SecondFactorMissing("there is none: set one up with POST /api/defi/2fa/enroll")


def _nothing_waits() -> SecondFactorMissing:
    return SecondFactorMissing(
        "no enrolment waits to be confirmed: begin with POST /api/defi/2fa/enroll"
    )
