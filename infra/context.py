"""What a deployment must be told.

In the cloud cdk.json says where each stage lives, and ``-c name=value`` overrides it; business
settings (choices.py) and KMS keys may stand in both, and have defaults. A name that nobody knows is
refused: a limit that was misspelled is a limit that was not raised. On one machine the same names
are CloudFormation parameters (database_url → DatabaseUrl): ports and secrets differ from run to
run, and so the synthesized stack can be used again with other values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Final, Self

from infra.choices import BY_NAME, CHOICES

STAGES: Final = ("local", "dev", "prod")
LOCAL: Final = "local"
KEYS: Final = ("master_seed_arn", "treasury_key_arn")
"""KMS keys that may be chosen instead of the secrets that the Data stack makes."""

OTHERS: Final = ("stage", "stages", "alarm_email", *KEYS)
"""Names in the context that are ours and no setting of a function."""

_KMS_KEY: Final = re.compile(r"arn:[\w-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[\w-]+")

_OURS: Final = re.compile(r"[A-Za-z]\w*")
"""What the CDK keeps in the context for itself has other signs in its name."""

Lookup = Callable[[str], str]
"""Gives the value of a name, or says in one line that nobody did."""


class ContextError(Exception):
    """A value is missing or is not one of those allowed; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the functions must know that CloudFormation cannot.

    Attributes:
        stage: local, dev or prod.
        network: Solana's cluster, as explorers name it.
        solana_rpc_url: One URL, or several with commas between them. It reaches the functions as
            plain text: use an allow-listed endpoint, not one with a key in its path.
        issuer: Issuer of the tokens, whose discovery document the gateway reads.
        treasury_address: Base58 public key that pays.
        sol_usd: Dollars for one SOL, a decimal, used to quote only.
        sol_usd_as_of: When that price was read, RFC 3339.
        require_2fa: "true", or "false" on one machine only.
        chosen: Every business setting (infra/choices.py) by name, with its value.
    """

    stage: str
    network: str
    solana_rpc_url: str
    issuer: str
    treasury_address: str
    sol_usd: str
    sol_usd_as_of: str
    require_2fa: str
    chosen: Mapping[str, str]

    @property
    def is_local(self) -> bool:
        """Whether this is one machine and not the cloud."""
        return self.stage == LOCAL

    @property
    def media_export(self) -> str:
        """Under which name the Data stack exports the bucket's name."""
        return f"Pixr-{self.stage}-Media"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPlaces:
    """Where one machine keeps what the Data stack keeps in the cloud."""

    database_url: str
    redis_url: str
    master_seed_arn: str
    treasury_key_arn: str
    second_factor_key_arn: str
    ffmpeg: str
    mediaconvert_url: str

    @classmethod
    def read(cls, lookup: Lookup) -> Self:
        """Read them by their names."""
        return cls(
            database_url=lookup("database_url"),
            redis_url=lookup("redis_url"),
            master_seed_arn=lookup("master_seed_arn"),
            treasury_key_arn=lookup("treasury_key_arn"),
            second_factor_key_arn=lookup("second_factor_key_arn"),
            ffmpeg=lookup("ffmpeg"),
            mediaconvert_url=lookup("mediaconvert_url"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenKeys:
    """KMS keys of a stage in the cloud; None: the secret that the Data stack makes.

    Attributes:
        master_seed_arn: An HMAC_512 key with the master seed as its imported material.
        treasury_key_arn: An Ed25519 key (ECC_NIST_EDWARDS25519).
    """

    master_seed_arn: str | None = None
    treasury_key_arn: str | None = None


def stage_of(context: Callable[[str], object]) -> str:
    """The stage that the context names, dev when it names none.

    Raises:
        ContextError: There is no such stage.
    """
    stage = str(context("stage") or "dev")
    if stage not in STAGES:
        raise ContextError(f"stage must be one of {', '.join(STAGES)}, not {stage!r}")
    return stage


def cloud_lookup(context: Callable[[str], object], stage: str) -> Lookup:
    """Values for a stage in the cloud: the command line first, then cdk.json.

    Args:
        context: Gives a context value by name, or None (``app.node.try_get_context``).
        stage: Which part of cdk.json's ``stages`` applies.
    """
    defaults = _of_stage(context, stage)

    def lookup(name: str) -> str:
        value = context(name) or defaults.get(name)
        if not value:
            raise ContextError(f"stage {stage} needs {name}: pass -c {name}=…")
        return str(value)

    return lookup


def cloud_choices(
    context: Callable[[str], object], names: Collection[str], stage: str
) -> dict[str, str]:
    """Every business setting of a stage in the cloud, chosen or by default.

    Args:
        context: Gives a context value by name, or None (``app.node.try_get_context``).
        names: All that the context holds, ours and the CDK's.
        stage: Which part of cdk.json's ``stages`` applies.

    Raises:
        ContextError: A name is unknown, or a value breaks the rule of its setting.
    """
    in_file = _of_stage(context, stage)
    known = {*BY_NAME, *OTHERS, *(field.name for field in fields(Settings))} - {"chosen"}
    for name in sorted({name for name in names if _OURS.fullmatch(name)} | set(in_file)):
        if name not in known:
            close = get_close_matches(name.lower(), known, n=1)
            hint = f": did you mean {close[0]}?" if close else "; infra/choices.py has them all"
            raise ContextError(f"stage {stage} has no setting {name}{hint}")
    chosen: dict[str, str] = {}
    for choice in CHOICES:
        given = context(choice.name)
        value = in_file.get(choice.name, choice.default) if given is None else given
        # true and 50 in cdk.json are what "true" and "50" are on the command line.
        text = str(value).lower() if isinstance(value, bool) else str(value)
        refusal = choice.refusal(text, is_local=False)
        if refusal is not None:
            raise ContextError(f"stage {stage}: {choice.name} {refusal}")
        chosen[choice.name] = text
    return chosen


def cloud_keys(context: Callable[[str], object], stage: str) -> ChosenKeys:
    """The KMS keys that a stage in the cloud chooses: the command line first, then cdk.json.

    Args:
        context: Gives a context value by name, or None (``app.node.try_get_context``).
        stage: Which part of cdk.json's ``stages`` applies.

    Raises:
        ContextError: A value is not the ARN of a KMS key. An alias is none: what may be done is
            granted on the one key, and an alias can be pointed at another.
    """
    in_file = _of_stage(context, stage)
    chosen: dict[str, str] = {}
    for name in KEYS:
        value = context(name) or in_file.get(name)
        if not value:
            continue
        if _KMS_KEY.fullmatch(str(value)) is None:
            # Not the value: somebody may have put the key itself there.
            raise ContextError(
                f"stage {stage}: {name} must be the ARN of a KMS key, "
                "arn:aws:kms:<region>:<account>:key/<id>"
            )
        chosen[name] = str(value)
    return ChosenKeys(**chosen)


def _of_stage(context: Callable[[str], object], stage: str) -> Mapping[str, object]:
    stages = context("stages")
    found = stages.get(stage) if isinstance(stages, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def read_settings(stage: str, lookup: Lookup, chosen: Mapping[str, str]) -> Settings:
    """Read what the functions of a stage must know.

    Args:
        stage: local, dev or prod.
        lookup: Gives what has no default.
        chosen: Every business setting, already judged.

    Raises:
        ContextError: A value is missing, or is not allowed in this stage.
    """
    require_2fa = lookup("require_2fa")
    if stage != LOCAL and require_2fa != "true":
        raise ContextError(f"require_2fa must be true in stage {stage}, not {require_2fa!r}")
    return Settings(
        stage=stage,
        network=lookup("network"),
        solana_rpc_url=lookup("solana_rpc_url"),
        issuer=lookup("issuer"),
        treasury_address=lookup("treasury_address"),
        sol_usd=lookup("sol_usd"),
        sol_usd_as_of=lookup("sol_usd_as_of"),
        require_2fa=require_2fa,
        chosen=chosen,
    )
