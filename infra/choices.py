"""What the business decides: each setting of a function that may be chosen, with its rule.

    -c lookup_tables=true         one deployment
    cdk.json, stages.prod.…       every deployment of a stage
    LOOKUP_TABLES=true pixr up    one machine; `pixr demo` and `pixr drill` likewise

All of them stand in the function's environment, chosen or not, so that whoever looks there sees
what is so. The functions check them again (``functions/settings.py``): a value that is changed by
hand is no less dangerous. A test holds both sides to the same bounds and the same defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

FLAGS: Final = ("true", "false")
SOL_DECIMALS: Final = 9
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One setting.

    Attributes:
        name: As the context spells it; in the environment it has capitals.
        default: What is so when nobody chooses.
        services: Which functions are told.
        least: The least number; None where true or false is chosen.
        most: The greatest number, when there is one.
        decimals: How many decimal places it may have.
        is_for_one_machine: Whether it may be true in stage local only.
    """

    name: str
    default: str
    services: tuple[str, ...] = ("batch",)
    least: Decimal | None = None
    most: Decimal | None = None
    decimals: int = 0
    is_for_one_machine: bool = False

    @property
    def variable(self) -> str:
        """Its name in an environment."""
        return self.name.upper()

    @property
    def rule(self) -> str:
        """What it must be, in words."""
        if self.least is None:
            return "true or false"
        bounds = (
            f"from {self.least:f} to {self.most:f}" if self.most else f"of {self.least:f} or more"
        )
        if not self.decimals:
            return f"a whole number {bounds}"
        return f"a number {bounds} with at most {self.decimals} decimal places"

    def refusal(self, value: str, *, is_local: bool) -> str | None:
        """Why a value cannot be chosen, without the name; None when it can."""
        if not self._is_kept_by(value):
            return f"must be {self.rule}, not {value[:64]!r}"
        if self.is_for_one_machine and value == "true" and not is_local:
            return "may be true on one machine only (stage local)"
        return None

    def _is_kept_by(self, value: str) -> bool:
        if self.least is None:
            return value in FLAGS
        if not _NUMBER.fullmatch(value):
            return False
        places = len(value.partition(".")[2])
        number = Decimal(value)
        return places <= self.decimals and self.least <= number <= (self.most or number)


def _whole(
    name: str,
    default: int,
    least: int,
    most: int | None = None,
    services: tuple[str, ...] = ("batch",),
) -> Choice:
    return Choice(
        name=name,
        default=str(default),
        services=services,
        least=Decimal(least),
        most=None if most is None else Decimal(most),
    )


def _sol(
    name: str, default: str, least: str = "0.000000001", services: tuple[str, ...] = ("batch",)
) -> Choice:
    return Choice(
        name=name, default=default, services=services, least=Decimal(least), decimals=SOL_DECIMALS
    )


CHOICES: Final = (
    _whole("batch_size", 50, 1, 1_000),
    _sol("min_batch_amount", "0.01", "0.00089088"),
    _whole("view_rate_lamports", 20_000, 1),
    _whole("platform_fee_bps", 500, 0, 10_000),
    _whole("investor_share_bps", 2_000, 0, 10_000),
    _whole("views_per_viewer_day", 3, 1),
    _whole("payout_deadline_s", 600, 0, 86_400),
    _whole("funding_days", 30, 1, 3_650),
    _whole("receipt_retention_hours", 24, 1),
    _whole("hot_float_lamports", 0, 0, 999_999_999_999_999),
    Choice(name="lookup_tables", default="false"),
    Choice(name="v1_messages", default="false", is_for_one_machine=True),
    _sol("sign_limit_10min_sol", "1000"),
    _sol("sign_limit_1h_sol", "3000"),
    _sol("sign_limit_24h_sol", "20000"),
    _whole("sign_limit_10min_bps", 5_000, 1, 10_000),
    _whole("sign_limit_1h_bps", 7_500, 1, 10_000),
    _whole("sign_limit_24h_bps", 9_500, 1, 10_000),
    _whole("money_token_age_s", 900, 60, 86_400, services=("wallet", "api")),
    _whole("reads_per_minute", 300, 1, services=("wallet", "api")),
    _whole("money_per_minute", 10, 1, services=("wallet", "api")),
    _whole("views_per_minute", 600, 1, services=("wallet", "api")),
    _whole("address_per_minute", 1_200, 1, services=("wallet", "api")),
    _sol("small_withdrawal_sol", "1", "0", services=("wallet", "api")),
    _sol("withdraw_limit_1h_sol", "100", services=("wallet",)),
    _sol("withdraw_limit_24h_sol", "500", services=("wallet",)),
    _whole("withdrawals_1h_max", 10, 1, services=("wallet",)),
    _whole("withdrawals_24h_max", 50, 1, services=("wallet",)),
    Choice(
        name="return_cap_bps",
        default="15000",
        services=("api",),
        least=Decimal(0),
        most=Decimal(100_000),
    ),
    Choice(
        name="redis_replicas_min",
        default="0",
        services=("api",),
        least=Decimal(0),
        most=Decimal(5),
    ),
)
BY_NAME: Final = {choice.name: choice for choice in CHOICES}
DEFAULTS: Final = {choice.name: choice.default for choice in CHOICES}


def environment(service: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What the environment of one function says of what was chosen."""
    return {
        choice.variable: chosen[choice.name] for choice in CHOICES if service in choice.services
    }
