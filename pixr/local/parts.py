"""The parts of one machine, each as a ``with`` that yields where it is.

A part that the user brought (given.py) starts nothing; the others are the real servers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from solders.pubkey import Pubkey

from pixr.adapters.postgres.migrate import MigrationRefused, migrate
from pixr.local import aws, process
from pixr.local.chain import ChainDidNotStart, running_chain
from pixr.local.deploy import Outputs, deploy
from pixr.local.errors import LocalError
from pixr.local.given import LOCALNET, Given, rpc
from pixr.local.home import Home
from pixr.local.postgres import running_postgres
from pixr.local.valkey import running_valkey

LAMPORTS_PER_SOL = 1_000_000_000
TREASURY_GRANT_LAMPORTS = 1_000 * LAMPORTS_PER_SOL
FUNDING_TIMEOUT_S = 60.0
FUNDING_POLL_S = 0.05
MASTER_SEED_NAME = "pixr/master-seed"
TREASURY_KEY_NAME = "pixr/treasury-key"
SECOND_FACTOR_KEY_ALIAS = "alias/pixr/second-factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Where a part is, and its process when it has one of its own."""

    url: str
    get_pid: Callable[[], int | None] = lambda: None
    crash: Callable[[], None] | None = None
    """Kills it and starts it again at the same place; None when it is not ours to kill."""

    @property
    def pid(self) -> int | None:
        """Its process now: a part that was restarted has another one."""
        return self.get_pid()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """AWS with the secrets in it."""

    aws: aws.Aws
    master_seed_arn: str
    treasury_key_arn: str
    second_factor_key_arn: str


def port_as_before(url: str) -> int | None:
    """The port of an earlier start if it is still free: the same stack needs no new deployment."""
    port = urlsplit(url).port
    if port is None:
        return None
    try:
        return process.claim_port(port, name="an earlier start", mend="")
    except LocalError:
        return None


@contextlib.contextmanager
def database(home: Home, given: Given, *, kept: bool, before: str) -> Iterator[Part]:
    """PostgreSQL, migrated."""
    with contextlib.ExitStack() as stack:
        part = Part(url=given.database_url or "")
        if given.database_url is None:
            # Only what is kept has to be safe on disk.
            folder = home.folder("postgres") if kept else None
            server = stack.enter_context(running_postgres(folder, port_as_before(before)))
            part = Part(url=server.url, get_pid=lambda: server.pid, crash=server.server.restart)
        _migrate(part.url)
        yield part


def _migrate(url: str) -> None:
    """Bring the schema up to date.

    Raises:
        LocalError: The database is ahead of this code, too old a server, or not ours to change.
    """
    try:
        migrate(url)
    except (MigrationRefused, TimeoutError, psycopg.Error) as error:
        reason = " ".join(str(error).split())
        raise LocalError(
            f"The database cannot be migrated: {reason}.",
            mend="Name another data directory or DATABASE_URL, or start with --fresh.",
        ) from error


@contextlib.contextmanager
def cache(home: Home, given: Given, *, kept: bool, before: str) -> Iterator[Part]:
    """Valkey."""
    if given.redis_url is not None:
        yield Part(url=given.redis_url)
        return
    folder = home.folder("valkey") if kept else None
    with running_valkey(folder, port_as_before(before)) as server:
        yield Part(url=server.url, get_pid=lambda: server.pid, crash=server.lose_everything)


@contextlib.contextmanager
def solana(
    home: Home, given: Given, *, kept: bool, port: int | None, slot_ms: int, nodes: int = 1
) -> Iterator[Part]:
    """The chain, as so many nodes."""
    if given.solana_rpc_url is not None:
        yield Part(url=given.solana_rpc_url)
        return
    data = home.folder("chain") if kept else None
    with contextlib.ExitStack() as stack:
        try:
            takes_v1 = given.chosen["v1_messages"] == "true"
            chain = running_chain(slot_ms=slot_ms, data=data, port=port, v1_messages=takes_v1)
            server = stack.enter_context(chain)
        except ChainDidNotStart as error:
            raise LocalError(
                f"Solana did not start: {error}.",
                mend="Choose another port with --solana-port, or set SOLANA_RPC_URL to a node.",
            ) from error
        urls = [server.url, *(server.node_url(number) for number in range(2, nodes + 1))]
        yield Part(url=",".join(urls), get_pid=lambda: server.pid)


@contextlib.contextmanager
def funded(
    chain: contextlib.AbstractContextManager[Part], *, network: str, treasury: Pubkey
) -> Iterator[Part]:
    """The chain, with a treasury that can pay; only a cluster of one's own gives SOL away."""
    with chain as part:
        if network == LOCALNET:
            _fund(part.url.partition(",")[0], treasury)
        yield part


def _fund(url: str, treasury: Pubkey) -> None:
    """Give a new treasury its first SOL.

    Raises:
        LocalError: The SOL does not arrive.
    """
    try:
        if _balance_lamports(url, treasury) > 0:
            return
        rpc(url, "requestAirdrop", str(treasury), TREASURY_GRANT_LAMPORTS)
        deadline = time.monotonic() + FUNDING_TIMEOUT_S
        while _balance_lamports(url, treasury) == 0:
            if time.monotonic() > deadline:
                break
            time.sleep(FUNDING_POLL_S)
        else:
            return
        reason = f"nothing arrived within {FUNDING_TIMEOUT_S:.0f} s"
    except (httpx.HTTPError, ValueError, KeyError) as error:
        reason = str(error)
    raise LocalError(
        f"The treasury {treasury} cannot be funded at {url}: {reason}.",
        mend="Send SOL to it by other means, or unset SOLANA_RPC_URL to use the embedded chain.",
    )


def _balance_lamports(url: str, address: Pubkey) -> int:
    answer = rpc(url, "getBalance", str(address), {"commitment": "confirmed"})
    assert isinstance(answer, dict)
    return int(answer["value"])


@contextlib.contextmanager
def cloud(home: Home, given: Given, *, port: int | None, kept: bool) -> Iterator[Cloud]:
    """AWS, holding the secrets that the functions fetch."""
    with contextlib.ExitStack() as stack:
        if given.aws_endpoint is not None:
            there = aws.Aws(endpoint=given.aws_endpoint)
        else:
            there = stack.enter_context(aws.running_aws(home.folder("aws"), port, keep=kept))
        secrets = {MASTER_SEED_NAME: home.master_seed(), TREASURY_KEY_NAME: home.treasury_key()}
        arns = aws.put_secrets(there.endpoint, secrets)
        yield Cloud(
            aws=there,
            master_seed_arn=arns[MASTER_SEED_NAME],
            treasury_key_arn=arns[TREASURY_KEY_NAME],
            second_factor_key_arn=aws.put_sealing_key(there.endpoint, SECOND_FACTOR_KEY_ALIAS),
        )


@contextlib.contextmanager
def mediaconvert(there: aws.Aws, *, before: str) -> Iterator[str]:
    """MediaConvert, which the emulator does not have."""
    from pixr.local.mediaconvert import running_mediaconvert  # noqa: PLC0415 -- a second to import

    with running_mediaconvert(there.endpoint, Path(ffmpeg()), port_as_before(before)) as url:
        yield url


def deployed(home: Home, there: aws.Aws, assembly: Path, context: Mapping[str, str]) -> Outputs:
    """The stack in AWS: what an earlier start left there, or deployed now.

    Args:
        home: Remembers what was deployed.
        there: Where to deploy.
        assembly: The synthesized stack; its name is the hash of its sources.
        context: What the stack is told.

    Raises:
        LocalError: The deployment failed.
    """
    told = json.dumps({"assembly": assembly.name, **context}, sort_keys=True)
    fingerprint = hashlib.sha256(told.encode()).hexdigest()
    with contextlib.suppress(TypeError):  # an older version remembered other outputs
        remembered = home.deployment(fingerprint)
        if remembered is not None:
            outputs = Outputs(**remembered)
            if aws.has_api(there.endpoint, outputs.api_id):
                return outputs
    outputs = deploy(
        aws_endpoint=there.endpoint,
        context=context,
        workdir=home.folder("deploy"),
        log=home.folder("logs") / "deploy.log",
    )
    home.remember_deployment(fingerprint, asdict(outputs))
    aws.save_now(there)
    return outputs


def ffmpeg() -> str:
    """The FFmpeg that the functions run.

    Raises:
        LocalError: There is none.
    """
    import imageio_ffmpeg  # type: ignore[import-untyped]  # noqa: PLC0415 -- ships no types; seldom needed

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise LocalError(
            "No FFmpeg was found (wheel `imageio-ffmpeg`).", mend="Run `make setup`."
        ) from error


def price(sol_usd: str) -> dict[str, str]:
    """What a SOL costs, as an operator would set it today."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"sol_usd": sol_usd, "sol_usd_as_of": today.isoformat().replace("+00:00", "Z")}
