"""Everything that a machine has written down, said or kept while it ran.

    its folder      logs of all processes, PostgreSQL's and the chain's files, S3, the emulator
    the database    every row of every table, as text
    Valkey          every key and value

Left out are the places where a secret is at home: the folder of keys, and Secrets Manager.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import redis

from pixr.adapters.postgres import Database, verification
from pixr.local import aws
from pixr.local.errors import LocalError
from pixr.local.home import Home
from pixr.local.machine import Machine
from pixr.ops.hygiene.search import Place

KEYS_FOLDER: Final = "secrets"
SECRETS_MANAGER: Final = "secretsmanager"
SAVE_TIMEOUT_S: Final = 30.0
SAVE_POLL_S: Final = 0.1
AT_HOME_IN_SECRETS_MANAGER: Final = ("master seed", "treasury")


def everything(machine: Machine, db: Database) -> Iterator[Place]:
    """All that a running machine has written down until now.

    Raises:
        LocalError: The emulator did not write its state.
    """
    there = machine.description
    save_emulator(
        aws.Aws(endpoint=there.aws_endpoint, pid=machine.servers["AWS"].pid), machine.home
    )
    yield from folder_of(machine.home)
    yield from database(db)
    yield from valkey(there.redis_url)


def folder_of(home: Home) -> Iterator[Place]:
    """Every file below a machine's folder, but for its keys."""
    for path in sorted(_files(home.path)):
        name = path.relative_to(home.path)
        if path.is_file() and not path.is_symlink() and name.parts[0] != KEYS_FOLDER:
            is_keeper = SECRETS_MANAGER in path.name
            yield Place(
                name=str(name),
                content=path,
                homes=AT_HOME_IN_SECRETS_MANAGER if is_keeper else (),
            )


def _files(folder: Path) -> Iterator[Path]:
    """Servers go on and remove folders of theirs meanwhile; any other trouble is told."""

    def tell(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for parent, _, names in os.walk(folder, onerror=tell):
        yield from (Path(parent, name) for name in names)


def database(db: Database) -> Iterator[Place]:
    """Every table, a row a line; bytes are hexadecimal there."""
    for name, rows in verification.dumps(db):
        yield Place(name=f"table {name}", content=rows)


def valkey(url: str) -> Iterator[Place]:
    """Every key with its value, whatever its type."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(count=1_000):
            yield Place(name=f"Valkey {key!r}", content=key + b"\0" + _value(client, key))


def _value(client: Any, key: bytes) -> bytes:
    dumped: bytes | None = client.dump(key)
    readers = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1, withscores=True),
        b"stream": lambda: client.xrange(key),
    }
    # DUMP may compress; what is read as it is does not.
    return (dumped or b"") + repr(readers[client.type(key)]()).encode()


def save_emulator(there: aws.Aws, home: Home) -> None:
    """Have the emulator write what it remembers, and wait until it is written.

    Raises:
        LocalError: It did not.
    """
    folder = home.folder("aws") / "state"
    before_ns = time.time_ns()
    aws.save_now(there)
    deadline_s = time.monotonic() + SAVE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if any(_written_ns(path) > before_ns for path in folder.glob(f"*{SECRETS_MANAGER}*")):
            return
        time.sleep(SAVE_POLL_S)
    raise LocalError("The emulator did not write its state.", mend=f"Look into {home.path}/aws.")


def _written_ns(path: Path) -> int:
    return path.stat().st_mtime_ns
