"""What is uploaded for each function: our code and its locked wheels, unzipped and zipped.

The baseline of the same run is the bundle of reprocess, which has only what all of them have.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, at_most, exact
from infra.bundling import GROUPS, UNZIPPED_BYTES_MAX, cloud_bundle, unzipped_bytes
from pixr.local.deploy import ROOT

MEGABYTE = 10**6
BASELINE = "reprocess"
COMPRESSION = 6
"""The level that zip uses unless told otherwise."""


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Bundle each function for the cloud, as a deployment does, and weigh it."""
    unzipped: dict[str, float] = {}
    zipped: dict[str, float] = {}
    for group in GROUPS:
        tell(f"bundling {group}")
        folder = cloud_bundle(group, ROOT)
        unzipped[group] = unzipped_bytes(folder) / MEGABYTE
        zipped[group] = _zipped_bytes(folder) / MEGABYTE
    figures: list[Figure] = []
    for group in GROUPS:
        weight = exact(f"{group}_unzipped_mb", f"{group}: unzipped", "MB", unzipped[group])
        figures += [
            at_most(weight, UNZIPPED_BYTES_MAX / MEGABYTE),
            exact(f"{group}_zipped_mb", f"{group}: zipped", "MB", zipped[group]),
            exact(
                f"{group}_vs_{BASELINE}",
                f"{group} ÷ {BASELINE}, zipped",
                "×",
                zipped[group] / zipped[BASELINE],
            ),
        ]
    return Report(
        bench="size",
        conditions={"repeats": sizes.repeats, "for": "arm64, Python 3.13, bytecode compiled"},
        figures=figures,
        remarks=("The FFmpeg layer of reprocess is apart; boto3 comes with Lambda.",),
    )


def _zipped_bytes(folder: Path) -> int:
    with TemporaryDirectory() as scratch:
        archive = Path(scratch) / "bundle.zip"
        with zipfile.ZipFile(
            archive, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION
        ) as target:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    target.write(path, path.relative_to(folder))
        return archive.stat().st_size
