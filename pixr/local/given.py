"""What the user brings: a DATABASE_URL and the like replaces the embedded server.

Each is tried before anything starts, so a wrong one costs one line and no waiting. Business
settings (infra/choices.py) are taken by the names that the functions know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.choices import CHOICES, DEFAULTS, FLAGS
from pixr.local import aws
from pixr.local.errors import LocalError

ANSWER_TIMEOUT_S = 3
LOCALNET = "localnet"
SOL_USD_DEFAULT = "150.00"
NETWORKS = {
    "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d": "mainnet-beta",
    "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG": "devnet",
    "4uhcVJyU9pJkvQyS88uRDiswHXSGkwQoT2mxoqcZoUeG": "testnet",
}
"""Genesis hash → the cluster's name, for those that are not somebody's own."""

SCHEMES = {
    "DATABASE_URL": ("postgresql", "postgres"),
    "REDIS_URL": ("redis", "rediss"),
    "SOLANA_RPC_URL": ("http", "https"),
    "AWS_ENDPOINT_URL": ("http", "https"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the user set: addresses, None where the embedded part runs, and settings."""

    database_url: str | None = None
    redis_url: str | None = None
    solana_rpc_url: str | None = None
    aws_endpoint: str | None = None
    sol_usd: str = SOL_USD_DEFAULT
    """Dollars for one SOL, to quote upgrades with."""
    require_2fa: str = "true"
    """false: money leaves without a code, which one machine allows for trying things out."""
    chosen: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    """Every business setting by name."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Given:
        """Read them from the environment.

        Raises:
            LocalError: One is malformed.
        """
        sol_usd = environ.get("SOL_USD", "").strip() or SOL_USD_DEFAULT
        if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", sol_usd) or not float(sol_usd):
            raise LocalError(
                f"SOL_USD is {sol_usd!r}, not a price in dollars such as {SOL_USD_DEFAULT}.",
                mend="Mend it, or unset it.",
            )
        found: dict[str, str | None] = {
            name: environ.get(name, "").strip() or None for name in SCHEMES
        }
        for name, value in found.items():
            if value is not None:
                for url in value.split(",") if name == "SOLANA_RPC_URL" else (value,):
                    _check_form(name, url)
        require_2fa = environ.get("REQUIRE_2FA", "").strip() or "true"
        if require_2fa not in FLAGS:
            raise LocalError(
                f"REQUIRE_2FA must be true or false, not {require_2fa[:64]!r}.",
                mend="Mend it, or unset it.",
            )
        return cls(
            database_url=found["DATABASE_URL"],
            redis_url=found["REDIS_URL"],
            solana_rpc_url=found["SOLANA_RPC_URL"],
            aws_endpoint=found["AWS_ENDPOINT_URL"],
            sol_usd=sol_usd,
            require_2fa=require_2fa,
            chosen=read_choices(environ),
        )

    def check(self) -> str:
        """Try each of them; answer the name of the Solana cluster.

        Raises:
            LocalError: One does not answer, or it is the cluster where money is real.
        """
        if self.database_url:
            _try_database(self.database_url)
        if self.redis_url:
            _try_redis(self.redis_url)
        if self.aws_endpoint:
            aws.check_endpoint(self.aws_endpoint)
        if not self.solana_rpc_url:
            return LOCALNET
        networks = {_network(url) for url in self.solana_rpc_url.split(",")}
        if "mainnet-beta" in networks:
            raise LocalError(
                "SOLANA_RPC_URL is mainnet-beta, and keys made here must not hold real money.",
                mend="Use devnet, or unset SOLANA_RPC_URL to use the embedded chain.",
            )
        return networks.pop()


def read_choices(environ: Mapping[str, str]) -> dict[str, str]:
    """Every business setting: what the environment says of it, or its default.

    Raises:
        LocalError: One breaks its rule.
    """
    chosen = dict(DEFAULTS)
    for choice in CHOICES:
        value = environ.get(choice.variable, "").strip() or choice.default
        refusal = choice.refusal(value, is_local=True)
        if refusal is not None:
            raise LocalError(
                f"{choice.variable} {refusal}.", mend=f"Mend it, or unset {choice.variable}."
            )
        chosen[choice.name] = value
    return chosen


def without_password(url: str) -> str:
    """The address as it may be shown and written down."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{host}" if parts.username else host))


def _check_form(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in SCHEMES[name] and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise LocalError(
            f"{name} is not an address of the form {SCHEMES[name][0]}://host:port/….",
            mend=f"Mend it, or unset {name} to use the embedded part.",
        )


def _unreachable(name: str, url: str, error: Exception) -> LocalError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return LocalError(
        f"{name} {without_password(url)} cannot be reached: {reason}.",
        mend=f"Start that server, or unset {name} to use the embedded one.",
    )


def _try_database(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=ANSWER_TIMEOUT_S) as connection:
            connection.execute("SELECT")
    except psycopg.Error as error:
        raise _unreachable("DATABASE_URL", url, error) from error


def _try_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_TIMEOUT_S,
            socket_connect_timeout=ANSWER_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise _unreachable("REDIS_URL", url, error) from error


def _network(url: str) -> str:
    try:
        genesis = rpc(url, "getGenesisHash")
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise _unreachable("SOLANA_RPC_URL", url, error) from error
    return NETWORKS.get(str(genesis), LOCALNET)


def rpc(url: str, method: str, *params: object) -> object:
    """Ask a Solana node one thing.

    Raises:
        httpx.HTTPError: It does not answer, or not with 200.
        ValueError: It answers something that is not JSON.
        KeyError: It answers an error.
    """
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    with httpx.Client(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
        answer = client.post(url, json=question).raise_for_status().json()
    result: object = answer["result"]
    return result
