"""Scenes of a film with PySceneDetect: `python scenes.py FFMPEG FILM OUTPUT`, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Installed in the analysers' own environment, not in the one that checks types.
from scenedetect import ContentDetector, detect  # type: ignore[import-not-found]


def cuts(film: str) -> list[float]:
    """When each scene begins, in seconds."""
    scenes = detect(film, ContentDetector(), start_in_scene=True)
    return [start.seconds for start, _ in scenes]


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps({"cuts": cuts(sys.argv[2])}))
