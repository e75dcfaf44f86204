"""FFmpeg: one binary, run with a time limit, bounded output and none of our secrets.

The process gets a session of its own, so that a timeout kills it with everything it started;
an empty environment, so that no credential is near the file of a stranger; and no stdin.
"""

import os
import re
import resource
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pixr.domain.media import Input, listing_arguments, picture_arguments
from pixr.domain.sources import SourceFacts, Track, Unusable, judge, read_listing

OUTPUT_BYTES_MAX: Final = 256 * 1024**2
"""A listing of a million frames and four hours of sound has about 120 MB."""

LOG_TOLD_LENGTH: Final = 200

_NOISE: Final = re.compile(
    r"\[[^\]]* @ 0x[0-9a-f]+\]\s*|\[(?:error|fatal|warning|info)\]\s*"
    r"|0x[0-9a-f]{4,}|\S*(?:file:|https?:|/)\S+"
)

_NO_ROOM: Final = re.compile("No space left on device|File too large|Disk quota exceeded")
"""ENOSPC, EFBIG and EDQUOT, as the C library says them; a limit of file size may kill instead."""

LOG_HEAD_BYTES: Final = 16 * 1024
LOG_TAIL_BYTES: Final = 4 * 1024
"""Of stderr we keep the beginning, where the banner is, and the end, where the error is."""

PROBE_TIMEOUT_S: Final = 40
"""Reading 1 GiB from a Lambda's disk takes about 5 s; the planner has 120 s for all it does."""


class FfmpegError(Exception):
    """FFmpeg did not do what was asked."""


class FfmpegMissing(FfmpegError):
    """There is no runnable binary where FFMPEG points."""


class FfmpegTimedOut(FfmpegError):
    """It ran longer than allowed and was killed, with its children."""


class FfmpegFailed(FfmpegError):
    """It ended with an error; the text is the end of its log, as a person can read it."""


class FfmpegKilled(FfmpegError):
    """Somebody else killed it, as the system does when memory runs out: no word about the file."""


class DiskFull(FfmpegError):
    """There was no room for what it writes: no word about the file either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How one run ended."""

    return_code: int
    """Negative: the number of the signal that ended it."""
    output: str
    log: str
    cpu_ms: int
    """User and system time of the process."""


class Ffmpeg:
    """The binary at one path."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def run(self, arguments: Sequence[str], *, timeout_s: int) -> Run:
        """Run to the end, whatever the return code.

        Raises:
            FfmpegMissing: The binary cannot be started.
            FfmpegTimedOut: After ``timeout_s`` seconds.
            FfmpegKilled: Somebody else ended it.
            DiskFull: There was no room for its output.
            FfmpegFailed: It printed more than ``OUTPUT_BYTES_MAX``.
        """
        before_s = _children_cpu_s()
        try:
            process = subprocess.Popen(  # noqa: S603 -- our binary, an argument list, no shell
                [str(self.binary), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env={},
            )
        except OSError as error:
            raise FfmpegMissing(
                f"cannot run {self.binary}: {error.strerror}; set FFMPEG to the layer's binary"
            ) from error
        watch = _Watch(process, timeout_s)
        log = _Log(process.stderr)
        try:
            assert process.stdout is not None
            output = process.stdout.read(OUTPUT_BYTES_MAX + 1)
            if len(output) > OUTPUT_BYTES_MAX:
                raise FfmpegFailed(f"printed more than {OUTPUT_BYTES_MAX} bytes")
            return_code = process.wait()
        finally:
            watch.end()
            log.end()
        if watch.has_killed:
            raise FfmpegTimedOut(f"killed after {timeout_s} s: {plain(log.last_line())}")
        if return_code == -signal.SIGKILL:
            raise FfmpegKilled("it was killed from outside")
        if return_code == -signal.SIGXFSZ or _NO_ROOM.search(log.text()):
            raise DiskFull("there is no space left on the disk")
        return Run(
            return_code=return_code,
            output=output.decode(errors="replace"),
            log=log.text(),
            cpu_ms=round(1000 * (_children_cpu_s() - before_s)),
        )

    def make(self, arguments: Sequence[str], *, timeout_s: int) -> Run:
        """Run and insist on success.

        Raises:
            FfmpegFailed: With the end of the log.
            FfmpegMissing: The binary cannot be started.
            FfmpegTimedOut: After ``timeout_s`` seconds.
        """
        run = self.run(arguments, timeout_s=timeout_s)
        if run.return_code != 0:
            raise FfmpegFailed(f"ended with {run.return_code}: {plain(run.log)}")
        return run

    def probe(self, source: Input, *, tracks: Mapping[str, Track] | None = None) -> SourceFacts:
        """Say what the file is.

        Args:
            source: The file.
            tracks: What its index says, where that could be read; None: it is listed packet by
                packet, which reads all of it.

        Raises:
            Unusable: It is nothing that we can use, with the reason for its owner.
            FfmpegMissing: The binary cannot be started.
        """
        try:
            if tracks is None:
                listed = self.run(listing_arguments(source), timeout_s=PROBE_TIMEOUT_S)
                tracks, log = read_listing(listed.output), listed.log
                _check_end(listed)
            else:
                log = None
            # Without a packet there is nothing to decode; the judge says why from the log.
            shown = self.run(picture_arguments(source), timeout_s=PROBE_TIMEOUT_S)
        except FfmpegTimedOut as error:
            raise Unusable(f"reading the file takes more than {PROBE_TIMEOUT_S} seconds") from error
        except FfmpegFailed as error:
            raise Unusable("the file has more packets than a video of four hours") from error
        _check_end(shown)
        return judge(shown.log if log is None else log, tracks, read_listing(shown.output))


def plain(log: str) -> str:
    """The end of a log without what only a programmer reads: pointers, places, repeats."""
    told: list[str] = []
    for line in log.splitlines():
        text = _NOISE.sub("", line).strip()
        if text and text not in told:
            told.append(text)
    return "; ".join(told)[-LOG_TOLD_LENGTH:]


def _check_end(run: Run) -> None:
    if run.return_code < 0:
        raise Unusable("the file makes the reader fail")


class _Watch:
    """Kills the process group when the time is up, and in any case when the caller is done."""

    def __init__(self, process: subprocess.Popen[bytes], timeout_s: int) -> None:
        self.has_killed = False
        self._process = process
        self._timer = threading.Timer(timeout_s, self._strike)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        self._timer.join()
        self._kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _strike(self) -> None:
        self.has_killed = self._kill()

    def _kill(self) -> bool:
        """Kill the group unless the process has ended, which frees its id for others."""
        if self._process.poll() is not None:
            return False
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


class _Log:
    """Drains stderr in a thread, keeping its beginning and its end."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._head = b""
        self._tail = b""
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Call after the process has ended, which ends the stream."""
        self._thread.join()
        self._stream.close()

    def text(self) -> str:
        return (self._head + self._tail).decode(errors="replace")

    def last_line(self) -> str:
        return (self.text().strip().splitlines() or ["it printed nothing"])[-1]

    def _drain(self) -> None:
        while block := self._stream.read(LOG_TAIL_BYTES):
            room = LOG_HEAD_BYTES - len(self._head)
            self._head += block[:room]
            self._tail = (self._tail + block[room:])[-LOG_TAIL_BYTES:]


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
