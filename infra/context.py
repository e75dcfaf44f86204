"""What a deployment must be told.

In the cloud cdk.json says where each stage lives, and ``-c name=value`` overrides it. On one
machine the same names are CloudFormation parameters (database_url → DatabaseUrl): ports and secrets
differ from run to run, and so the synthesized stack can be used again with other values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

STAGES: Final = ("local", "dev", "prod")
LOCAL: Final = "local"

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
    """

    stage: str
    network: str
    solana_rpc_url: str
    issuer: str
    treasury_address: str
    sol_usd: str
    sol_usd_as_of: str
    require_2fa: str

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
    ffmpeg: str

    @classmethod
    def read(cls, lookup: Lookup) -> Self:
        """Read them by their names."""
        return cls(
            database_url=lookup("database_url"),
            redis_url=lookup("redis_url"),
            master_seed_arn=lookup("master_seed_arn"),
            treasury_key_arn=lookup("treasury_key_arn"),
            ffmpeg=lookup("ffmpeg"),
        )


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
    stages = context("stages")
    defaults = stages.get(stage, {}) if isinstance(stages, Mapping) else {}

    def lookup(name: str) -> str:
        value = context(name) or defaults.get(name)
        if not value:
            raise ContextError(f"stage {stage} needs {name}: pass -c {name}=…")
        return str(value)

    return lookup


def read_settings(stage: str, lookup: Lookup) -> Settings:
    """Read what the functions of a stage must know.

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
    )
