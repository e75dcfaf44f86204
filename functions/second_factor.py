"""A code of the second factor, demanded before money leaves.

The code is spent before the work begins, and stays spent when the work is refused: whoever has
read it on the way cannot use it again. A repetition under the same Idempotency-Key gets its first
answer without a code, so nobody needs two for one withdrawal.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import StringConstraints

from pixr.adapters import totp
from pixr.adapters.keys import Vault
from pixr.adapters.postgres import Database, second_factors
from pixr.adapters.postgres.second_factors import Factor, Verdict
from pixr.domain.errors import SecondFactorMissing, SecondFactorNeeded, WrongCode
from pixr.domain.second_factor import DIGITS

TotpCode = Annotated[str, StringConstraints(pattern=rf"^[0-9]{{{DIGITS}}}$")]

CodeHeader = Annotated[
    TotpCode | None,
    Header(
        alias="Second-Factor",
        description=f"the {DIGITS} digits that the caller's authenticator shows",
    ),
]

IN_BODY = "totp_code"
IN_HEADER = "the header Second-Factor"

Demand = Callable[[], None]
"""Judges the code that came with a request; called once, when everything else is in order."""


def demand_code(
    db: Database,
    vault: Vault,
    user_id: str,
    code: str | None,
    *,
    is_required: bool,
    where: str = IN_BODY,
    now: datetime,
) -> None:
    """Spend the code, or refuse.

    Args:
        db: Outside a transaction: a wrong guess is remembered although the request is refused.
        vault: Opens the secret.
        user_id: Whose.
        code: What came with the request.
        is_required: Whether somebody without a factor is refused, too.
        where: Where a code is expected, in words.
        now: The time.

    Raises:
        SecondFactorMissing: It is required, and there is none.
        SecondFactorNeeded: There is one, and no code came.
        WrongCode: The code is wrong, or was used before.
        SecondFactorLocked: Too many were wrong.
        KeysUnreachable: The secret cannot be opened; nothing was judged.
    """
    factor = second_factors.find(db, user_id)
    if factor is None or not factor.is_active:
        if is_required:
            raise SecondFactorMissing("set up a second factor first: POST /api/defi/2fa/enroll")
        return
    if code is None:
        raise SecondFactorNeeded(where)
    spend_code(db, vault, factor, code, now=now)


def spend_code(db: Database, vault: Vault, factor: Factor, code: str, *, now: datetime) -> None:
    """Spend a code of this factor, pending or active.

    Raises:
        WrongCode: The code is wrong, or was used before.
        SecondFactorLocked: Too many were wrong.
        KeysUnreachable: The secret cannot be opened; nothing was judged.
    """
    # In no variable: what fails behind it may be shown with its variables.
    step = totp.step_of(vault.open(factor.sealed, user_id=factor.user_id), code, now=now)
    verdict = second_factors.judge_code(db, factor, step, now=now)
    if verdict is Verdict.USED:
        raise WrongCode("that code was used already: wait for the next one")
    if verdict is Verdict.WRONG:
        raise WrongCode("that is not the code of this moment")
