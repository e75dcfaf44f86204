"""Second factors: enrolled, judged one guess at a time, removed. A secret is only ever sealed here.

Whatever judges a code commits by itself and *answers* what it found, because a wrong guess has
to be remembered by the very request that it refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from pixr.adapters.postgres import Database, audit, sql
from pixr.domain.errors import SecondFactorLocked, SecondFactorPresent, WithdrawalsFrozen
from pixr.domain.second_factor import (
    FAILURES_PER_DAY,
    FAILURES_WINDOW,
    FREEZE,
    lock_after,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """The factor that a user has, or is about to have."""

    id: UUID
    user_id: str
    is_active: bool
    sealed: bytes
    enrolled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a user is told of it."""

    is_enrolled: bool
    recovery_codes_left: int
    frozen_until: datetime | None


class Verdict(Enum):
    """What became of a guess."""

    RIGHT = auto()
    USED = auto()
    """It was right, and did its work before."""
    WRONG = auto()


def find(db: Database, user_id: str) -> Factor | None:
    """Return the pending or active factor; None when there is none."""
    row = db.execute(sql("second_factors/find"), {"user_id": user_id}).fetchone()
    if row is None:
        return None
    return Factor(
        id=row["id"],
        user_id=user_id,
        is_active=row["state"] == "ACTIVE",
        sealed=bytes(row["sealed"]),
        enrolled_at=row["enrolled_at"],
    )


def show(db: Database, user_id: str, *, now: datetime) -> Shown:
    """Return what the user may know of their factor."""
    row = db.execute(sql("second_factors/show"), {"user_id": user_id, "now": now}).fetchone()
    assert row is not None
    return Shown(**row)


def guard(db: Database, user_id: str) -> datetime | None:
    """Lock the user's guard, in a transaction, and say until when codes are not looked at."""
    row = db.execute(sql("second_factors/guard"), {"user_id": user_id}).fetchone()
    assert row is not None
    locked_until: datetime | None = row["locked_until"]
    return locked_until


def check_frozen(db: Database, user_id: str, *, now: datetime) -> None:
    """Refuse while withdrawals are frozen.

    Raises:
        WithdrawalsFrozen: With the moment at which it ends.
    """
    row = db.execute(sql("second_factors/frozen_until"), {"user_id": user_id}).fetchone()
    until: datetime | None = None if row is None else row["frozen_until"]
    if until is not None and now < until:
        raise WithdrawalsFrozen(until, now=now)


def enroll(db: Database, factor: Factor, *, now: datetime) -> None:
    """Keep a factor that waits for its first code; one that waited before is forgotten.

    Raises:
        SecondFactorPresent: An active one is there.
    """
    with db.transaction():
        guard(db, factor.user_id)
        present = find(db, factor.user_id)
        if present is not None and present.is_active:
            raise SecondFactorPresent
        if present is not None:
            db.execute(sql("second_factors/forget"), {"factor_id": present.id})
        db.execute(
            sql("second_factors/enroll"),
            {
                "factor_id": factor.id,
                "user_id": factor.user_id,
                "sealed": factor.sealed,
                "now": now,
            },
        )


def judge_code(db: Database, factor: Factor, step: int | None, *, now: datetime) -> Verdict:
    """Spend a one-time code, or count a wrong one.

    Args:
        db: Outside a transaction.
        factor: As it was found when the code was compared.
        step: The step that the code belongs to; None: to none that holds now.
        now: The time.

    Raises:
        SecondFactorLocked: Too many were wrong; this one was not looked at.
    """
    with db.transaction():
        if not _still(db, factor, now=now):
            return Verdict.WRONG
        if step is None:
            _fail(db, factor.user_id, now=now)
            return Verdict.WRONG
        spent = db.execute(
            sql("second_factors/spend_step"),
            {"user_id": factor.user_id, "step": step, "now": now},
        ).fetchone()
        return Verdict.USED if spent is None else Verdict.RIGHT


def judge_recovery_code(
    db: Database, factor: Factor, digest: bytes | None, *, now: datetime
) -> Verdict:
    """Spend a recovery code, or count a wrong one; None is wrong in any case.

    Raises:
        SecondFactorLocked: Too many were wrong; this one was not looked at.
    """
    with db.transaction():
        if not _still(db, factor, now=now):
            return Verdict.WRONG
        used = db.execute(
            sql("second_factors/use_recovery_code"),
            {"factor_id": factor.id, "digest": digest, "now": now},
        ).fetchone()
        if used is None:
            _fail(db, factor.user_id, now=now)
            return Verdict.WRONG
        return Verdict.RIGHT


def activate(db: Database, factor: Factor, digests: Sequence[bytes], *, now: datetime) -> bool:
    """Let a factor count from now on, and keep its recovery codes.

    Returns:
        False when it was replaced or removed meanwhile; nothing is kept then.
    """
    with db.transaction():
        guard(db, factor.user_id)
        done = db.execute(sql("second_factors/activate"), {"factor_id": factor.id, "now": now})
        if done.rowcount == 0:
            return False
        _replace_codes(db, factor, digests)
        _write_down(db, factor, "second-factor.confirmed", actor=factor.user_id, now=now)
        return True


def renew_codes(db: Database, factor: Factor, digests: Sequence[bytes], *, now: datetime) -> bool:
    """Replace all recovery codes; False when the factor is gone."""
    with db.transaction():
        guard(db, factor.user_id)
        present = find(db, factor.user_id)
        if present is None or present.id != factor.id:
            return False
        _replace_codes(db, factor, digests)
        _write_down(db, factor, "recovery-codes.renewed", actor=factor.user_id, now=now)
        return True


def remove(
    db: Database, factor: Factor, *, actor: str, reason: str = "asked for", now: datetime
) -> bool:
    """Forget a factor and freeze withdrawals; False when it was gone already."""
    with db.transaction():
        guard(db, factor.user_id)
        done = db.execute(sql("second_factors/remove"), {"factor_id": factor.id, "now": now})
        if done.rowcount == 0:
            return False
        db.execute(sql("second_factors/drop_recovery_codes"), {"factor_id": factor.id})
        db.execute(sql("second_factors/freeze"), {"user_id": factor.user_id, "until": now + FREEZE})
        _write_down(db, factor, "second-factor.removed", actor=actor, reason=reason, now=now)
        return True


def _still(db: Database, factor: Factor, *, now: datetime) -> bool:
    """Lock the guard and see whether the factor is the one that a code was compared with."""
    locked_until = guard(db, factor.user_id)
    if locked_until is not None and now < locked_until:
        raise SecondFactorLocked(int((locked_until - now).total_seconds()) + 1)
    present = find(db, factor.user_id)
    return present is not None and present.id == factor.id


def _fail(db: Database, user_id: str, *, now: datetime) -> None:
    row = db.execute(
        sql("second_factors/fail"),
        {
            "user_id": user_id,
            "now": now,
            "window_start": now - FAILURES_WINDOW,
            "day_ago": now - FAILURES_PER_DAY,
        },
    ).fetchone()
    assert row is not None
    lock = lock_after(failures=row["failures"], failures_per_day=row["failures_per_day"])
    if lock is None:
        return
    db.execute(sql("second_factors/lock"), {"user_id": user_id, "until": now + lock})
    audit.append(
        db,
        at=now,
        actor=user_id,
        action="second-factor.locked",
        subject=user_id,
        detail={"failures_per_day": row["failures_per_day"]},
    )


def _replace_codes(db: Database, factor: Factor, digests: Sequence[bytes]) -> None:
    db.execute(sql("second_factors/drop_recovery_codes"), {"factor_id": factor.id})
    db.execute(
        sql("second_factors/add_recovery_codes"),
        {"factor_id": factor.id, "digests": list(digests)},
    )


def _write_down(
    db: Database,
    factor: Factor,
    action: str,
    *,
    actor: str,
    reason: str | None = None,
    now: datetime,
) -> None:
    audit.append(
        db,
        at=now,
        actor=actor,
        action=action,
        subject=factor.user_id,
        detail={"factor_id": str(factor.id)} | ({"reason": reason} if reason else {}),
    )
