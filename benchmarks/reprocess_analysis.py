"""The analysis that an upgrade does not buy again: speech to text, scenes, embeddings of frames.

The analysers are programs of their own in an environment of their own, made from
requirements/bench.txt on first use, so that nothing else here imports them and the processor time
of each is its children's.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.reprocess_path import used_cpu_s
from pixr.local.deploy import ROOT
from pixr.local.errors import LocalError

PROGRAMS: Final = ROOT / "benchmarks" / "analysers"
LOCK: Final = ROOT / "requirements" / "bench.txt"
HASH_CHARS: Final = 16
INSTALL_TIMEOUT_S: Final = 600
TIMEOUT_S: Final = 3_600

PARTS: Final[Mapping[str, str]] = {
    "speech": "transcript.vtt",
    "scenes": "scenes.json",
    "embeddings": "embeddings.npy",
}
"""Analyser → the part of the analysis that it makes."""

# Threads that turn while they wait would be counted as work.
CALM: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """What one analyser took."""

    name: str
    cpu_s: float
    wall_s: float
    bytes_written: int


def environment(tell: Callable[[str], None]) -> Path:
    """The interpreter that has the analysers; installs them below build/ when it is asked first.

    Raises:
        LocalError: They cannot be installed.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:HASH_CHARS]
    folder = ROOT / "build" / f"analysers-{digest}"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if ready.is_file():
        return python
    tell("installing the analysers")
    uv = Path(sys.executable).with_name("uv")
    steps = (
        [str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [str(uv), "pip", "sync", "--quiet", "--python", str(python), str(LOCK)],
    )
    try:
        for step in steps:
            subprocess.run(
                step, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S
            )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise LocalError(
            f"The analysers cannot be installed: {said.strip()[-200:]}.",
            mend="`uv pip sync requirements/bench.txt` in an environment of its own says why.",
        ) from error
    ready.touch()
    return python


def analyse(
    python: Path, ffmpeg: str, film: Path, folder: Path
) -> tuple[Sequence[Analysed], Mapping[str, bytes]]:
    """Run every analyser, one after the other.

    Returns:
        What each took, and the parts of the analysis with their manifest, as the service that owns
        them writes them.

    Raises:
        LocalError: One of them failed.
    """
    taken: list[Analysed] = []
    written: dict[str, bytes] = {}
    for name, part in PARTS.items():
        output = folder / part
        begun_s, begun_cpu_s = time.perf_counter(), used_cpu_s()
        command = [str(python), str(PROGRAMS / f"{name}.py"), ffmpeg, str(film), str(output)]
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                env={**os.environ, **CALM},
            )
        except subprocess.CalledProcessError as error:
            raise LocalError(
                f"The analyser `{name}` failed: {error.stderr.strip()[-200:]}.",
                mend="Remove build/analysers-* and try again.",
            ) from error
        written[part] = output.read_bytes()
        taken.append(
            Analysed(
                name=name,
                cpu_s=used_cpu_s() - begun_cpu_s,
                wall_s=time.perf_counter() - begun_s,
                bytes_written=len(written[part]),
            )
        )
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in written.items()}
    written["manifest.json"] = json.dumps({"sha256": hashes}).encode()
    return taken, written
