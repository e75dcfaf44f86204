"""The folder of one machine: who uses it, what it keeps, what it says about itself.

.pixr/
  lock           held while a machine runs here
  machine.json   where everything is (no secrets), for `pixr env` and `pixr token`
  deployed.json  what was deployed into the emulator, to skip doing it again
  secrets/       master seed, treasury key, issuer's key; made once, mode 600
  postgres/  valkey/  chain/  aws/  deploy/  logs/
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from solders.keypair import Keypair

from pixr.local.errors import LocalError
from pixr.local.issuer import write_secret

FOLDERS = ("secrets", "postgres", "valkey", "chain", "aws", "deploy", "logs")
FILES = ("machine.json", "deployed.json")
MASTER_SEED_BYTES = 64
DEFAULT = Path(".pixr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Where everything of a running machine is. No secrets."""

    pid: int
    url: str
    database_url: str
    redis_url: str
    solana_rpc_url: str
    aws_endpoint: str
    issuer_url: str
    mediaconvert_url: str
    api_id: str
    bucket: str
    network: str
    treasury_address: str


NOWHERE = Description(pid=0, **dict.fromkeys((f.name for f in fields(Description)[1:]), ""))
"""What is known before the first start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One machine's folder."""

    path: Path

    @property
    def issuer_key_file(self) -> Path:
        """The key that tokens are signed with."""
        return self.path / "secrets" / "issuer-key.pem"

    def folder(self, name: str) -> Path:
        """One of the folders, made when it is missing."""
        assert name in FOLDERS
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def master_seed(self) -> str:
        """The seed of every user's wallet, base64; made once."""
        return self._secret("master-seed", lambda: secrets.token_bytes(MASTER_SEED_BYTES))

    def treasury_key(self) -> str:
        """The key that pays, base64 of its 64 bytes; made once."""
        return self._secret("treasury-key", lambda: bytes(Keypair()))

    def treasury(self) -> Keypair:
        """The same as a key pair.

        Raises:
            LocalError: The file does not hold one.
        """
        try:
            return Keypair.from_bytes(base64.b64decode(self.treasury_key()))
        except ValueError as error:
            raise LocalError(
                f"{self.path / 'secrets' / 'treasury-key'} is not a key.",
                mend="Put the right one back, or start with --fresh.",
            ) from error

    def _secret(self, name: str, make: Callable[[], bytes]) -> str:
        path = self.path / "secrets" / name
        if not path.exists():
            write_secret(path, base64.b64encode(make()))
        return path.read_text().strip()

    def describe(self, description: Description) -> None:
        """Write down where everything is."""
        write_secret(self.path / "machine.json", json.dumps(asdict(description), indent=2).encode())

    def description(self) -> Description | None:
        """What the last machine said here, also when it no longer runs."""
        try:
            return Description(**json.loads((self.path / "machine.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def remember_deployment(self, fingerprint: str, outputs: dict[str, Any]) -> None:
        """Write down what was deployed."""
        content = json.dumps({"fingerprint": fingerprint, "outputs": outputs}, indent=2)
        write_secret(self.path / "deployed.json", content.encode())

    def deployment(self, fingerprint: str) -> dict[str, Any] | None:
        """The outputs of the last deployment, when it was this one."""
        try:
            remembered = json.loads((self.path / "deployed.json").read_text())
            outputs: dict[str, Any] = remembered["outputs"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return outputs if remembered["fingerprint"] == fingerprint else None

    def forget(self) -> None:
        """Remove what we made here, and nothing else that may lie beside it."""
        for name in FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)

    def is_running(self) -> bool:
        """Whether a machine holds the folder."""
        with contextlib.suppress(OSError), (self.path / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@contextlib.contextmanager
def held_home(path: Path) -> Iterator[Home]:
    """The folder, ours alone while inside.

    Raises:
        LocalError: It cannot be made or written, or another machine runs on it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / "lock").open("ab")
    except OSError as error:
        raise LocalError(
            f"The data directory {path} cannot be used: {error.strerror}.",
            mend="Name another with --data.",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = (path / "lock").read_text().strip() or "unknown"
            raise LocalError(
                f"A machine already runs on {path} (process {owner}).",
                mend="Stop it, or name another directory with --data.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield Home(path=path.resolve())
        lock.truncate(0)


def running_home(path: Path) -> tuple[Home, Description]:
    """The folder of a machine that runs.

    Raises:
        LocalError: None runs there.
    """
    home = Home(path=path.resolve())
    description = home.description()
    if description is None or not home.is_running():
        raise LocalError(
            f"No machine runs on {path}.", mend="Start one with `pixr up`, or name it with --data."
        )
    return home, description
