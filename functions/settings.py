"""Where things are: one frozen model per function, read from the environment once.

A missing or malformed variable fails on the first line run and is named. What things *mean*
(units, limits, formulas) is in ``pixr.domain``; a default here is a product decision.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PostgresDsn,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from pixr.domain.money import LAMPORTS_PER_SOL

_KEY_ARN = re.compile(
    r"arn:[\w-]+:secretsmanager:[a-z0-9-]+:[0-9]+:secret:\S+"
    r"|arn:[\w-]+:kms:[a-z0-9-]+:[0-9]+:key/[\w-]+"
)
KEY_BYTES = 64
"""Of the master seed, and of the treasury's key pair."""


def _names_a_key(arn: str) -> str:
    """Refuse what is no ARN of a key; an alias of KMS could be pointed at another key."""
    if _KEY_ARN.fullmatch(arn) is None:
        raise ValueError(
            "must be the ARN of a secret (arn:aws:secretsmanager:<region>:<account>:secret:<name>) "
            "or of a KMS key (arn:aws:kms:<region>:<account>:key/<id>)"
        )
    return arn


def _is_a_key(text: SecretStr) -> SecretStr:
    with suppress(ValueError):
        if len(b64decode(text.get_secret_value(), validate=True)) == KEY_BYTES:
            return text
    raise ValueError(f"must be {KEY_BYTES} bytes in base64")


KeyArn = Annotated[str, AfterValidator(_names_a_key)]
KmsKeyArn = Annotated[
    str, StringConstraints(pattern=r"^arn:[\w-]+:kms:[a-z0-9-]+:[0-9]+:key/[\w-]+$")
]
KeyText = Annotated[SecretStr, AfterValidator(_is_a_key)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
Address = Annotated[str, StringConstraints(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")]


def in_lamports(sol: Decimal) -> int:
    """A setting in SOL, of nine decimals at most, as whole lamports."""
    return int(sol * LAMPORTS_PER_SOL)


def _each_once(urls: str) -> str:
    """Refuse a node that is listed twice: its word would count twice where two must agree."""
    listed = [url.rstrip("/") for url in urls.split(",")]
    if len(set(listed)) != len(listed):
        raise ValueError("lists a node twice")
    return urls


RpcUrls = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s,]+(,https?://[^\s,]+)*$"),
    AfterValidator(_each_once),
]


_KEYS = ("MASTER_SEED", "MASTER_SEED_ARN", "TREASURY_PRIVATE_KEY", "TREASURY_PRIVATE_KEY_ARN")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


class BadSettings(Exception):
    """The environment is not complete or not well formed. Names each variable and its rule."""


def _said(item: ErrorDetails) -> str:
    name = ".".join(map(str, item["loc"])).upper()
    value = "" if name in _KEYS else item["input"]
    shown = f" (got {value})" if isinstance(value, str) and _NUMBER.fullmatch(value) else ""
    return f"{name}: {item['msg']}{shown}".removeprefix(": ")


class Environment(BaseModel):
    """Base: immutable, read once per cold start, unknown variables ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str = "local"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Validate ``environ``.

        Raises:
            BadSettings: One line that names every wrong variable and why. A number is shown,
                any other value is not: it may be a secret.
        """
        known = {name.lower(): value for name, value in environ.items()}
        try:
            return cls.model_validate(
                {name: known[name] for name in cls.model_fields if name in known}
            )
        except ValidationError as error:
            wrong = "; ".join(_said(item) for item in error.errors())
        # Raised out here: the context would carry the values.
        raise BadSettings(wrong)

    @property
    def is_one_machine(self) -> bool:
        """Whether STAGE=local was said aloud: a forgotten STAGE must not open a door."""
        return "stage" in self.model_fields_set and self.stage == "local"

    def _kept_at(self, name: str, arn: str | None, text: SecretStr | None) -> str:
        """Where a key is kept: by its ARN, or on one machine the key itself.

        Raises:
            ValueError: It is said in no way or in both, or the key itself is in a stage of the
                cloud.
        """
        if (arn is None) == (text is None):
            said = "is missing" if arn is None else f"and {name} are both set: say one"
            raise ValueError(
                f"{name}_ARN {said}; it is the ARN of a secret or of a KMS key, and {name} itself "
                "is for STAGE=local only"
            )
        if text is not None and not self.is_one_machine:
            raise ValueError(f"{name} in the environment is for STAGE=local only: say {name}_ARN")
        return text.get_secret_value() if text is not None else f"{arn}"


class MasterSeedSettings(Environment):
    """For whoever derives wallets."""

    master_seed: KeyText | None = None
    """The 64 bytes in base64, on one machine only."""
    master_seed_arn: KeyArn | None = None
    """A secret with them, or an HMAC_512 key of KMS that they were imported into (ADR-0023)."""

    @model_validator(mode="after")
    def _master_seed_is_kept_in_one_place(self) -> Self:
        assert self.master_seed_at
        return self

    @property
    def master_seed_at(self) -> str:
        """What ``load_master_seed`` takes; it may be a secret."""
        return self._kept_at("MASTER_SEED", self.master_seed_arn, self.master_seed)


class TreasurySettings(Environment):
    """For whoever signs for the treasury."""

    treasury_private_key: KeyText | None = None
    """The 64 bytes of the key pair in base64, on one machine only."""
    treasury_private_key_arn: KeyArn | None = None
    """A secret with them, or an Ed25519 key of KMS (ADR-0023)."""

    @model_validator(mode="after")
    def _treasury_key_is_kept_in_one_place(self) -> Self:
        assert self.treasury_private_key_at
        return self

    @property
    def treasury_private_key_at(self) -> str:
        """What ``load_treasury`` takes; it may be a secret."""
        return self._kept_at(
            "TREASURY_PRIVATE_KEY", self.treasury_private_key_arn, self.treasury_private_key
        )


class Settings(Environment):
    """For functions, which all use the database."""

    database_url: PostgresDsn


class ChainSettings(Settings):
    """For functions that read the chain."""

    solana_rpc_url: RpcUrls
    network: str = "localnet"

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The nodes, in the order in which they are asked."""
        return tuple(self.solana_rpc_url.split(","))


class MoneyOutSettings(ChainSettings):
    """For functions that take requests to move money."""

    settle_queue_url: Url
    treasury_address: Address
    require_2fa: bool = True
    oidc_issuer: Url
    """Whose tokens count; the gateway verifies them, and the functions compare the name."""
    redis_url: str = Field(pattern=r"^rediss?://")
    money_token_age_s: int = Field(default=900, ge=60, le=86_400)
    """The oldest token that moves money."""
    reads_per_minute: int = Field(default=300, ge=1)
    """Requests of a user: reads, what moves money, and posts of views; and of an address."""
    money_per_minute: int = Field(default=10, ge=1)
    views_per_minute: int = Field(default=600, ge=1)
    address_per_minute: int = Field(default=1_200, ge=1)
    second_factor_key_arn: KmsKeyArn
    """A symmetric key of KMS that seals the secrets of second factors."""
    small_withdrawal_sol: Decimal = Field(default=Decimal(1), ge=0, decimal_places=9)
    """SOL that may go to new addresses within a day, and that may be invested without a code."""

    @property
    def small_lamports(self) -> int:
        """The same in lamports; 0: nothing is small."""
        return in_lamports(self.small_withdrawal_sol)

    @model_validator(mode="after")
    def _second_factor_is_optional_on_one_machine_only(self) -> Self:
        if not self.require_2fa and not self.is_one_machine:
            raise ValueError("REQUIRE_2FA=false is for STAGE=local only")
        return self


class WalletSettings(MoneyOutSettings, MasterSeedSettings):
    """For ``functions/wallet``."""

    withdraw_limit_1h_sol: Decimal = Field(default=Decimal(100), gt=0, decimal_places=9)
    """SOL that may leave a user's wallet within an hour and within a day."""
    withdraw_limit_24h_sol: Decimal = Field(default=Decimal(500), gt=0, decimal_places=9)
    withdrawals_1h_max: int = Field(default=10, ge=1)
    """Withdrawals of a user: each costs the treasury a fee and locks a receipt's rent for a day."""
    withdrawals_24h_max: int = Field(default=50, ge=1)


class ApiSettings(MoneyOutSettings):
    """For ``functions/api``."""

    redis_replicas_min: int = Field(default=0, ge=0, le=5)
    """Replicas that must have a view before it is acknowledged; 0 where there are none."""
    return_cap_bps: int = Field(default=15_000, ge=0, le=100_000)
    """Returns stop at so many hundredths of a percent of what was invested, from then on for new
    investments; 0: they never stop. Ten times as much in is all that a bigint holds of all SOL."""
    s3_bucket: str
    sol_usd: Decimal | None = Field(default=None, gt=0)
    """Dollars per SOL, set by an operator; without it nothing is quoted."""
    sol_usd_as_of: AwareDatetime | None = None
    """When that was so, RFC 3339; a price of yesterday quotes nothing."""


class BatchSettings(ChainSettings, MasterSeedSettings, TreasurySettings):
    """For ``functions/batch``."""

    redis_url: str = Field(pattern=r"^rediss?://")
    plan_queue_url: Url
    batch_size: int = Field(default=50, ge=1, le=1000)
    """Payouts that are settled together; the packer shares them out by size."""
    batch_interval: int = Field(default=60_000, ge=1_000)
    """Milliseconds between ticks; the rule in ``infra`` says the same in minutes."""
    min_batch_amount: Decimal = Field(
        default=Decimal("0.01"), decimal_places=9, ge=Decimal("0.00089088")
    )
    """SOL that must be due to a user before a payout is made; less cannot open a wallet."""
    view_rate_lamports: int = Field(default=20_000, ge=1)
    platform_fee_bps: int = Field(default=500, ge=0, le=10_000)
    investor_share_bps: int = Field(default=2_000, ge=0, le=10_000)
    views_per_viewer_day: int = Field(default=3, ge=1)
    payout_deadline_s: int = Field(default=600, ge=0, le=86_400)
    """The longest that a payout waits for a cheaper minute; 0: nothing waits."""
    funding_days: int = Field(default=30, ge=1, le=3_650)
    """How long an upgrade may wait for its last investor; then everybody is refunded."""
    receipt_retention_hours: int = Field(default=24, ge=1)
    """The oldest backup that will ever be restored; a younger receipt is not taken back."""
    hot_float_lamports: int = Field(default=0, ge=0, le=999_999_999_999_999)
    """What the hot treasury should hold; below, the settler asks for a refill. 0: not watched."""
    lookup_tables: bool = False
    """Let regular payees stand in lookup tables on chain (ADR-0019)."""
    v1_messages: bool = False
    """Pay 60 in a message of SIMD-0385; for a local chain that was started to take them."""
    sign_limit_10min_sol: Decimal = Field(default=Decimal(1_000), gt=0, decimal_places=9)
    """The signer's rolling limits: SOL in all, and hundredths of a percent of the treasury."""
    sign_limit_1h_sol: Decimal = Field(default=Decimal(3_000), gt=0, decimal_places=9)
    sign_limit_24h_sol: Decimal = Field(default=Decimal(20_000), gt=0, decimal_places=9)
    sign_limit_10min_bps: int = Field(default=5_000, ge=1, le=10_000)
    sign_limit_1h_bps: int = Field(default=7_500, ge=1, le=10_000)
    sign_limit_24h_bps: int = Field(default=9_500, ge=1, le=10_000)

    @model_validator(mode="after")
    def _v1_messages_are_for_one_machine_only(self) -> Self:
        # A cluster that does not take them would take no payment at all.
        if self.v1_messages and not self.is_one_machine:
            raise ValueError("V1_MESSAGES=true is for STAGE=local only")
        return self


class ReprocessSettings(Settings):
    """For every function of ``functions/reprocess``."""

    s3_bucket: str
    ffmpeg: str
    """Path of the FFmpeg binary; the layer puts it at /opt/bin/ffmpeg."""


class PlanSettings(ReprocessSettings):
    """For ``functions/reprocess/plan.py``."""

    encode_queue_url: Url
    fallback_queue_url: Url


class EncodeSettings(ReprocessSettings):
    """For ``functions/reprocess/encode.py``."""

    encode_queue_url: Url
    assemble_queue_url: Url
    fallback_queue_url: Url


class AssembleSettings(ReprocessSettings):
    """For ``functions/reprocess/assemble.py``."""

    settle_queue_url: Url


class FallbackSettings(Settings):
    """For ``functions/reprocess/fallback.py``."""

    s3_bucket: str
    assemble_queue_url: Url
    mediaconvert_role_arn: str = Field(pattern=r"^arn:[\w-]+:iam::[0-9]+:role/\S+$")
    """What MediaConvert becomes, to read originals and write chunks."""
    mediaconvert_queue_arn: str = Field(
        pattern=r"^arn:[\w-]+:mediaconvert:[a-z0-9-]+:[0-9]+:queues/\S+$"
    )
    aws_endpoint_url_mediaconvert: Url | None = None
    """Where MediaConvert is on one machine; boto3 reads the variable by itself."""

    @model_validator(mode="after")
    def _another_mediaconvert_is_for_one_machine_only(self) -> Self:
        # Whoever answers there is told the places of all originals.
        if self.aws_endpoint_url_mediaconvert is not None and not self.is_one_machine:
            raise ValueError("AWS_ENDPOINT_URL_MEDIACONVERT is for STAGE=local only")
        return self
