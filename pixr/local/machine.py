"""The whole system on one machine: the real parts, started together, with the real stack in them.

    PostgreSQL ─ migrate ─┐
    Valkey ───────────────┤
    Solana ─ fund ────────┼─▶ cdk deploy ─▶ front door :8787
    AWS ─ secrets ────────┤    (skipped when nothing changed)
      └── MediaConvert ───┤
    token issuer ─────────┘

Whatever fails or however it ends, what was started is stopped: in order by the ``with``, or by the
keeper when we are killed. State stays in the machine's folder (home.py).
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pixr.local import keeper, parts, process
from pixr.local.deploy import Outputs, prepare
from pixr.local.errors import LocalError
from pixr.local.front_door import Gateway, running_front_door
from pixr.local.given import Given, without_password
from pixr.local.home import NOWHERE, Description, Home, held_home
from pixr.local.issuer import Issuer, running_issuer

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports on 127.0.0.1 that people know; None for any free one."""

    front_door: int | None = None
    solana: int | None = None
    aws: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """News of a start: a part begins, or (with its time) is ready."""

    part: str
    seconds: float | None = None


Report = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A running machine."""

    home: Home
    description: Description
    issuer: Issuer
    outputs: Outputs
    servers: Mapping[str, parts.Part]
    """Those that run on their own, by name."""

    @property
    def url(self) -> str:
        """The front door; the API is below it at /api/defi."""
        return self.description.url

    def token(self, sub: str, scope: str, ttl_s: int = 3600) -> str:
        """An access token that the machine accepts."""
        return self.issuer.mint(sub, scope, ttl_s)

    def check(self) -> None:
        """Check that every server still runs.

        Raises:
            LocalError: One has ended.
        """
        for name, server in self.servers.items():
            if server.pid is not None and keeper.started_ticks(server.pid) is None:
                raise LocalError(
                    f"{name} (process {server.pid}) has ended.",
                    mend=f"Its log is in {self.home.path}.",
                )

    def crash(self, name: str) -> None:
        """Kill PostgreSQL or Valkey at once and start it again on its port.

        PostgreSQL recovers what was committed; Valkey comes back empty.

        Raises:
            LocalError: It is a server of the user's own, or it does not start again.
        """
        crash = self.servers[name].crash
        if crash is None:
            raise LocalError(
                f"{name} is not ours to kill.", mend="Unset the variable that names it."
            )
        crash()


def _quiet(_step: Step) -> None:
    """Nobody wants to hear."""


@contextlib.contextmanager
def running_machine(
    data: Path | None = None,
    *,
    ports: Ports | None = None,
    given: Given | None = None,
    fresh: bool = False,
    slot_ms: int = 20,
    rpc_nodes: int = 1,
    report: Report = _quiet,
) -> Iterator[Machine]:
    """The whole system.

    Args:
        data: Its folder. None: a temporary one, gone afterwards.
        ports: Where to listen; any free ports when None.
        given: Servers and settings of the user's own; everything is embedded when None.
        fresh: Whether to forget what the folder holds.
        slot_ms: Milliseconds per slot of the embedded chain; mainnet has 400, and a transaction is
            final 31 slots later.
        rpc_nodes: How many nodes of the embedded chain the functions are told of: one chain, but
            each node has faults of its own (``pixr.local.chain.faults``).
        report: Is told of every part.

    Raises:
        LocalError: Something is missing, taken, malformed or does not start. Nothing is left.
    """
    with contextlib.ExitStack() as stack:
        path = data or stack.enter_context(process.temporary_directory("pixr-machine-"))
        home = stack.enter_context(held_home(path))
        if fresh:
            home.forget()
        starting = _Starting(
            home=home,
            ports=ports or Ports(),
            given=given or Given(),
            slot_ms=slot_ms,
            rpc_nodes=rpc_nodes,
            report=report,
            kept=data is not None,
        )
        yield stack.enter_context(starting.machine())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starting:
    """The order of things at the start."""

    home: Home
    ports: Ports
    given: Given
    slot_ms: int
    rpc_nodes: int
    report: Report
    kept: bool

    @contextlib.contextmanager
    def machine(self) -> Iterator[Machine]:
        """Start all that does not wait for each other at once, then deploy, then open the door."""
        self._claim_ports()
        network = self.given.check()
        # Unwound last to first: the Lambda workers end before the servers that they use.
        with ExitStack() as servers, ExitStack() as cloud:
            started = self._start_parts(servers, cloud, network)
            mediaconvert_url = self._mediaconvert(cloud, started)
            context = self._context(started, network, mediaconvert_url)
            outputs = self._timed(
                "CDK deploy",
                lambda: parts.deployed(self.home, started.cloud.aws, started.assembly, context),
            )
            gateway = Gateway(endpoint=started.cloud.aws.endpoint, api_id=outputs.api_id)
            url = cloud.enter_context(
                running_front_door(gateway, _about(context, gateway), self.ports.front_door)
            )
            description = Description(
                pid=os.getpid(),
                url=url,
                database_url=without_password(context["database_url"]),
                redis_url=without_password(context["redis_url"]),
                solana_rpc_url=context["solana_rpc_url"],
                aws_endpoint=gateway.endpoint,
                issuer_url=context["issuer"],
                mediaconvert_url=mediaconvert_url,
                api_id=outputs.api_id,
                bucket=outputs.bucket,
                network=network,
                treasury_address=context["treasury_address"],
            )
            self.home.describe(description)
            yield Machine(
                home=self.home,
                description=description,
                issuer=started.issuer,
                outputs=outputs,
                servers=started.servers(),
            )

    def _claim_ports(self) -> None:
        """Refuse at once, before anything starts, when a port that people know is taken."""
        wanted = (
            (self.ports.front_door, "the front door", "--port"),
            (None if self.given.solana_rpc_url else self.ports.solana, "Solana", "--solana-port"),
            (None if self.given.aws_endpoint else self.ports.aws, "AWS", "--aws-port"),
        )
        for port, name, option in wanted:
            if port is not None:
                mend = f"Stop what listens there, or choose another with {option}."
                process.claim_port(port, name=name, mend=mend)

    def _start_parts(self, servers: ExitStack, cloud: ExitStack, network: str) -> _Started:
        home, given, kept = self.home, self.given, self.kept
        before = home.description() or NOWHERE
        with ThreadPoolExecutor(max_workers=6) as pool, _interruptible():

            def begin(
                name: str, part: AbstractContextManager[Value], stack: ExitStack
            ) -> Future[Value]:
                enter = functools.partial(stack.enter_context, part)
                return pool.submit(self._timed, name, enter)

            database = begin(
                "PostgreSQL",
                parts.database(home, given, kept=kept, before=before.database_url),
                servers,
            )
            cache = begin(
                "Valkey",
                parts.cache(home, given, kept=kept, before=before.redis_url),
                servers,
            )
            chain = begin(
                "Solana",
                parts.funded(self._solana(), network=network, treasury=home.treasury().pubkey()),
                servers,
            )
            issuing = begin(
                "Token issuer",
                running_issuer(home.issuer_key_file, parts.port_as_before(before.issuer_url)),
                servers,
            )
            emulator = begin(
                "AWS",
                parts.cloud(home, given, port=self.ports.aws, kept=kept),
                cloud,
            )
            synthesis = pool.submit(
                self._timed, "CDK synth", lambda: prepare(log=home.folder("logs") / "deploy.log")
            )
            # A failure of one leaves no other half started.
            every: list[Future[Any]] = [database, cache, chain, issuing, emulator, synthesis]
            wait(every)
        return _Started(
            database=database.result(),
            cache=cache.result(),
            chain=chain.result(),
            issuer=issuing.result(),
            cloud=emulator.result(),
            assembly=synthesis.result(),
        )

    def _solana(self) -> AbstractContextManager[parts.Part]:
        return parts.solana(
            self.home,
            self.given,
            kept=self.kept,
            port=self.ports.solana,
            slot_ms=self.slot_ms,
            nodes=self.rpc_nodes,
        )

    def _mediaconvert(self, cloud: ExitStack, started: _Started) -> str:
        before = self.home.description() or NOWHERE
        part = parts.mediaconvert(started.cloud.aws, before=before.mediaconvert_url)
        return self._timed("MediaConvert", lambda: cloud.enter_context(part))

    def _context(self, started: _Started, network: str, mediaconvert_url: str) -> dict[str, str]:
        """What the stack must be told: infra/context.py reads it."""
        return {
            "stage": "local",
            "network": network,
            "issuer": started.issuer.url,
            "solana_rpc_url": started.chain.url,
            "database_url": started.database.url,
            "redis_url": started.cache.url,
            "master_seed_arn": started.cloud.master_seed_arn,
            "treasury_key_arn": started.cloud.treasury_key_arn,
            "second_factor_key_arn": started.cloud.second_factor_key_arn,
            "treasury_address": str(self.home.treasury().pubkey()),
            "require_2fa": self.given.require_2fa,
            "ffmpeg": parts.ffmpeg(),
            "mediaconvert_url": mediaconvert_url,
            **parts.price(self.given.sol_usd),
            **self.given.chosen,
        }

    def _timed(self, name: str, start: Callable[[], Value]) -> Value:
        """Start a part and report it."""
        self.report(Step(part=name))
        begun_s = time.monotonic()
        value = start()
        self.report(Step(part=name, seconds=time.monotonic() - begun_s))
        return value


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C must not wait for a start that nobody wants any more."""
    try:
        yield
    except KeyboardInterrupt:
        process.end_all()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """The parts that run before anything is deployed."""

    database: parts.Part
    cache: parts.Part
    chain: parts.Part
    issuer: Issuer
    cloud: parts.Cloud
    assembly: Path

    def servers(self) -> dict[str, parts.Part]:
        """Those that are programs, by name; the user's own have no process here."""
        emulator = self.cloud.aws
        return {
            "PostgreSQL": self.database,
            "Valkey": self.cache,
            "Solana": self.chain,
            "AWS": parts.Part(url=emulator.endpoint, get_pid=lambda: emulator.pid),
        }


def _about(context: Mapping[str, str], gateway: Gateway) -> dict[str, str]:
    return {
        "API": "/api/defi/",
        "OpenAPI": "/api/defi/openapi.json",
        "Solana RPC": context["solana_rpc_url"],
        "AWS": gateway.endpoint,
        "MediaConvert": context["mediaconvert_url"],
        "Token issuer": context["issuer"],
        "Treasury": context["treasury_address"],
    }
