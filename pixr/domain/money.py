"""Money is whole lamports: 1 SOL = 1,000,000,000 lamports, an ``int`` everywhere.

A person writes SOL as text ("1.25"), a program may write lamports as digits; both are
turned into ``Lamports`` here, once, and every rule that turned one away is named. SOL
floats do not exist: 0.1 is not a number of lamports until somebody says which.
"""

import re
from decimal import Decimal
from typing import Final, NewType

from pixr.domain.errors import Malformed, Overdrawn

Lamports = NewType("Lamports", int)

LAMPORTS_PER_SOL: Final = 1_000_000_000
DECIMALS_MAX: Final = 9

LAMPORTS_MAX: Final = Lamports(2**63 - 1)
"""The most that a database column holds; over ten times the SOL that exists."""

RENT_EXEMPT_LAMPORTS: Final = Lamports(890_880)
"""The least that an account without data may hold. Less than this and more than 0 is refused
by the chain, so no transfer of ours may leave a wallet there."""

_SOL_TEXT = re.compile(r"(0|[1-9][0-9]{0,10})(\.[0-9]{1,9})?")
_LAMPORTS_TEXT = re.compile(r"[0-9]{1,19}")
_TEXT_LENGTH_MAX = 32


def parse_sol(value: object, *, field: str = "amount") -> Lamports:
    """Read an amount of SOL as a person or a JSON document writes it.

    Args:
        value: Decimal text such as ``"1.25"`` (digits, one point, at most 9 decimals; no sign,
            no exponent, no space), an ``int``, or the ``Decimal`` of a JSON number.
        field: What to call it when it is refused.

    Returns:
        Between 1 and ``LAMPORTS_MAX``.

    Raises:
        Malformed: Anything else, with the rule that it breaks.
    """
    if isinstance(value, str):
        number = _sol_text(value, field=field)
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        return _in_bounds(value * LAMPORTS_PER_SOL, field=field)
    else:
        raise Malformed(field, "must be SOL as a decimal string or number")

    if not number.is_finite():
        raise Malformed(field, "must be a finite number")
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if exponent < -DECIMALS_MAX:
        raise Malformed(field, f"must have at most {DECIMALS_MAX} decimals")
    # Judged before any digit is computed: 1e999999999 must not become an integer.
    if number.adjusted() > len(str(LAMPORTS_MAX)) or len(digits) > _TEXT_LENGTH_MAX:
        raise Malformed(field, f"must be at most {format_sol(LAMPORTS_MAX)} SOL")
    # Built from its digits, because arithmetic on a Decimal rounds to the context's precision.
    magnitude = int("".join(map(str, digits))) * 10 ** (exponent + DECIMALS_MAX)
    return _in_bounds(-magnitude if number.is_signed() else magnitude, field=field)


def parse_lamports(value: object, *, field: str = "lamports") -> Lamports:
    """Read a number of lamports: an ``int``, or a string of ASCII digits.

    Returns:
        Between 1 and ``LAMPORTS_MAX``.

    Raises:
        Malformed: Anything else, with the rule that it breaks.
    """
    if isinstance(value, str):
        if _LAMPORTS_TEXT.fullmatch(value) is None:
            raise Malformed(field, "must be a whole number written with the digits 0 to 9 only")
        return _in_bounds(int(value), field=field)
    if isinstance(value, int) and not isinstance(value, bool):
        return _in_bounds(value, field=field)
    raise Malformed(field, "must be a whole number of lamports")


def format_sol(lamports: int) -> str:
    """Write lamports as SOL, exactly and without needless zeros: ``1.25``, ``0``, ``-0.5``."""
    whole, rest = divmod(abs(lamports), LAMPORTS_PER_SOL)
    decimals = f"{rest:0{DECIMALS_MAX}d}".rstrip("0")
    sign = "-" if lamports < 0 else ""
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def leaves_dust(remaining_lamports: int) -> bool:
    """Whether the chain would refuse to leave this in an account: neither nothing nor the rent."""
    return 0 < remaining_lamports < RENT_EXEMPT_LAMPORTS


def spend(asked: Lamports | None, available_lamports: int) -> Lamports:
    """Decide how much leaves a wallet; None asks for everything.

    Returns:
        More than 0, and it leaves nothing or at least the rent behind.

    Raises:
        Overdrawn: More than is available, nothing is, or the rest would be dust.
    """
    lamports = available_lamports if asked is None else asked
    if lamports <= 0 or lamports > available_lamports:
        raise Overdrawn(max(lamports, 0), available_lamports)
    remaining_lamports = available_lamports - lamports
    if leaves_dust(remaining_lamports):
        raise Overdrawn(
            lamports,
            available_lamports,
            f"{remaining_lamports} would remain, but a wallet keeps 0 or at least "
            f"{RENT_EXEMPT_LAMPORTS} lamports: ask for less, or for all of it",
        )
    return Lamports(lamports)


def _sol_text(text: str, *, field: str) -> Decimal:
    if len(text) > _TEXT_LENGTH_MAX or _SOL_TEXT.fullmatch(text) is None:
        raise Malformed(
            field,
            "must be SOL written with the digits 0 to 9 and at most one point, "
            f"with at most {DECIMALS_MAX} decimals, such as 1.25",
        )
    return Decimal(text)


def _in_bounds(lamports: int, *, field: str) -> Lamports:
    if lamports <= 0:
        raise Malformed(field, "must be more than 0")
    if lamports > LAMPORTS_MAX:
        raise Malformed(
            field, f"must be at most {LAMPORTS_MAX} lamports ({format_sol(LAMPORTS_MAX)} SOL)"
        )
    return Lamports(lamports)
