"""Runs one function once under Lambda's own runtime, without Docker: `make invoke FN=… EVENT=…`.

    event.json ─▶ Runtime API (here) ─▶ awslambdaric ─▶ handler ─▶ answer, or error

awslambdaric is the program that calls handlers in the cloud. It asks a Runtime API for work; this
is the smallest server that has some: one event, then nothing more. The code is what lies in the
working tree, the environment is that of the function deployed to the running machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

from infra.bundling import local_code
from pixr.local import process
from pixr.local.aws import environment
from pixr.local.deploy import ROOT, STACK
from pixr.local.errors import LocalError
from pixr.local.home import DEFAULT, Home

FUNCTIONS: Final = {
    "wallet": "Wallet",
    "api": "Api",
    "batch": "Batch",
    "plan": "ReprocessPlan",
    "encode": "ReprocessEncode",
    "assemble": "ReprocessAssemble",
    "fallback": "ReprocessFallback",
}
RUNTIME: Final = "/2018-06-01/runtime"
TIMEOUT_MAX_S: Final = 900
POLL_S: Final = 0.02
TOKEN_LIFE_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as Lambda knows it."""

    name: str
    handler: str
    environment: Mapping[str, str]
    timeout_s: int
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What became of one event.

    Attributes:
        answer: The handler's return value, or the error document when it failed.
        failed: Whether the handler raised, could not be loaded, ended, or ran out of time.
        duration_ms: From handing out the event to the answer, without loading the code.
        log: What the function wrote.
    """

    answer: Any
    failed: bool
    duration_ms: float
    log: str


def invoke(
    function: Function,
    event: object,
    *,
    code: Path,
    workdir: Path,
    aws_endpoint: str | None = None,
    began: Callable[[int], None] = lambda _pid: None,
) -> Invocation:
    """Run the handler on one event in a process of its own, for as long as Lambda would let it.

    Args:
        function: What to run and with what environment.
        event: Any JSON value.
        code: The folder that would be the function's bundle.
        workdir: For the function's log.
        aws_endpoint: Where AWS is; the SDK's own default when None.
        began: Is told the process id, before the code is loaded.

    Raises:
        LocalError: awslambdaric cannot be started.
    """
    with _RuntimeApi(function, event) as api:
        child = process.start(
            f"Function {function.name}",
            [sys.executable, "-m", "awslambdaric", function.handler],
            log=workdir / f"{function.name}-{api.request_id}.log",
            env={
                **(environment(aws_endpoint) if aws_endpoint else {}),
                **function.environment,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": api.request_id,
                "LAMBDA_TASK_ROOT": str(code),
                "PYTHONPATH": str(code),
                "PYTHONUNBUFFERED": "1",
            },
            inherit=False,
            cwd=code,
        )
        try:
            began(child.pid)
            return api.wait(child)
        finally:
            process.stop(child)


@dataclass(slots=True)
class _Outcome:
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    failed: bool = True
    handed_out_at: float | None = None
    duration_ms: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: a function that ends hangs up, and that is all that goes wrong here."""


class _RuntimeApi:
    """Lambda's Runtime API for one event."""

    def __init__(self, function: Function, event: object) -> None:
        self.request_id = str(uuid.uuid4())
        self._function = function
        self._body = json.dumps(event).encode()
        self._outcome = _Outcome()
        self._closing = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.next(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.finish(json.loads(body or b"null"), failed=self.path.endswith("/error"))
                _reply(self, HTTPStatus.ACCEPTED, b"{}", {})

            def log_message(self, *_: object) -> None:
                """Say nothing: the function's own log is what people want."""

        self._server = _Server(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API wants them."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def next(self, request: BaseHTTPRequestHandler) -> None:
        """Hand out the event once; whoever asks again waits until we close."""
        if self._outcome.handed_out_at is not None:
            self._closing.wait(TIMEOUT_MAX_S)
            request.close_connection = True
            return
        self._outcome.handed_out_at = time.monotonic()
        deadline_ms = int((time.time() + self._function.timeout_s) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": (
                f"arn:aws:lambda:us-east-1:111111111111:function:{self._function.name}"
            ),
            "Content-Type": "application/json",
        }
        _reply(request, HTTPStatus.OK, self._body, headers)

    def finish(self, answer: Any, *, failed: bool) -> None:
        """Take the answer, the first one given."""
        outcome = self._outcome
        if outcome.done.is_set():
            return
        outcome.answer, outcome.failed = answer, failed
        if outcome.handed_out_at is not None:
            outcome.duration_ms = (time.monotonic() - outcome.handed_out_at) * 1000
        outcome.done.set()

    def wait(self, child: process.Child) -> Invocation:
        """Wait for the answer, the function's end, or the end of its time."""
        outcome, timeout_s = self._outcome, self._function.timeout_s
        deadline = time.monotonic() + timeout_s
        while not outcome.done.wait(POLL_S):
            code = child.process.poll()
            if code is not None:
                reason = {"errorType": "Runtime.ExitError", "errorMessage": f"exit status {code}"}
                self.finish(reason, failed=True)
            elif time.monotonic() > deadline:
                message = f"Task timed out after {timeout_s:.2f} seconds"
                self.finish({"errorType": "Sandbox.Timedout", "errorMessage": message}, failed=True)
        return Invocation(
            answer=outcome.answer,
            failed=outcome.failed,
            duration_ms=outcome.duration_ms,
            log=child.log.read_text(errors="replace"),
        )


def _reply(
    request: BaseHTTPRequestHandler, status: HTTPStatus, body: bytes, headers: Mapping[str, str]
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def as_of_now(event: Any, *, issuer: str, now_s: int) -> Any:
    """Play the gateway: the same event with a token of this machine's issuer, just made.

    Args:
        event: An event of API Gateway with claims; any other passes as it is.
        issuer: Of the machine's tokens.
        now_s: Seconds since 1970.
    """
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    claims = authorizer.get("jwt", {}).get("claims")
    if claims is not None:
        lives = {"iat": str(now_s), "exp": str(now_s + TOKEN_LIFE_S)}
        claims.update(iss=issuer, **lives)
    return event


def deployed(short_name: str, aws_endpoint: str) -> Function:
    """Ask the running machine how a function is deployed.

    Args:
        short_name: wallet, api, batch, plan, encode, assemble or fallback.
        aws_endpoint: Where the emulator listens.

    Raises:
        LocalError: Nothing is deployed there.
    """
    import boto3  # noqa: PLC0415 -- a second to import
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- likewise

    keys = environment(aws_endpoint)
    session = boto3.Session(
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=keys["AWS_REGION"],
    )
    # No stubs are installed for these two.
    cloudformation: Any = session.client("cloudformation", endpoint_url=aws_endpoint)
    functions: Any = session.client("lambda", endpoint_url=aws_endpoint)
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        names = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
        name = names[f"{FUNCTIONS[short_name]}Function"]
        found = functions.get_function_configuration(FunctionName=name)
    except (BotoCoreError, ClientError) as error:
        raise LocalError(
            f"Nothing is deployed at {aws_endpoint}: {error}", mend="Start a machine: `make up`."
        ) from error
    return Function(
        name=name,
        handler=found["Handler"],
        environment=found["Environment"]["Variables"],
        timeout_s=found["Timeout"],
        memory_mib=found["MemorySize"],
    )


def main() -> None:
    """`python -m pixr.local.invoke batch events/batch.json`."""
    parser = argparse.ArgumentParser(description="Run one function once, as Lambda does.")
    parser.add_argument("function", choices=sorted(FUNCTIONS))
    parser.add_argument("event", type=Path, help="a JSON file, such as events/batch.json")
    parser.add_argument("--data", type=Path, default=DEFAULT, help="the machine's folder")
    arguments = parser.parse_args()
    try:
        invocation = _invoke_on_machine(arguments.function, arguments.event, arguments.data)
    except LocalError as error:
        print(f"invoke: {error}", file=sys.stderr)
        sys.exit(2)
    print(invocation.log.strip(), file=sys.stderr)
    print(json.dumps(invocation.answer, indent=2))
    print(
        f"{'failed' if invocation.failed else 'ok'}, {invocation.duration_ms:.1f} ms",
        file=sys.stderr,
    )
    sys.exit(int(invocation.failed))


def _invoke_on_machine(short_name: str, event_file: Path, data: Path) -> Invocation:
    try:
        event = json.loads(event_file.read_text())
    except (OSError, ValueError) as error:
        raise LocalError(
            f"{event_file} is not an event: {error}.", mend="events/ has one per function."
        ) from error
    home = Home(path=data.resolve())
    description = home.description()
    if description is None or not home.is_running():
        raise LocalError(f"No machine runs in {data}.", mend="Start one with `make up`.")
    endpoint = description.aws_endpoint
    return invoke(
        deployed(short_name, endpoint),
        as_of_now(event, issuer=description.issuer_url, now_s=int(time.time())),
        code=local_code(ROOT),
        workdir=home.folder("logs"),
        aws_endpoint=endpoint,
    )


if __name__ == "__main__":
    main()
