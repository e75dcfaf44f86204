"""One film, upgraded by us and reprocessed in full, on the same file in the same run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reprocess_analysis import Analysed, analyse
from benchmarks.reprocess_bytes import Share, shares
from benchmarks.reprocess_path import Made, Studio
from benchmarks.reprocess_plain import Encoded, judge, ladder, one_pass, picture_bytes
from pixr.adapters.postgres import contents
from pixr.domain.manifests import MEDIA_NAME, PLAYLIST_NAME
from pixr.domain.media import Plan
from pixr.local import process


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A film and the rung of it that somebody pays for."""

    key: str
    """How its figures begin."""
    path: Path
    rung: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the rung is, made in one pass, and how ours compares."""

    encoded: Encoded
    vmaf: float
    vmaf_ours: float
    size_bytes: int
    """Of the picture's packets alone."""
    size_ours_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Everything that was measured of one film."""

    source: Source
    source_bytes: int
    made: Made
    plan: Plan
    rungs: Sequence[int]
    ladder: Encoded
    analysed: Sequence[Analysed]
    beside: Beside
    shares: Sequence[Share]
    parts: int
    """Of the analysis."""
    parts_kept: int
    """Those whose hash is the same after the upgrade."""

    @property
    def pixels(self) -> int:
        """That our way made."""
        return self.plan.frames * self.plan.size.pixels


def compare(studio: Studio, python: Path, source: Source, tell: Callable[[str], None]) -> Compared:
    """Upgrade a live content with an analysis, then do everything again from nothing."""
    ffmpeg = studio.ffmpeg
    with process.temporary_directory("pixr-bench-film-") as folder:
        tell(f"{source.key}: speech, scenes, embeddings")
        analysed, written = analyse(python, str(ffmpeg.binary), source.path, folder)
        tell(f"{source.key}: its first rendition, which is not counted")
        studio.finish(*studio.take_in(source.path, source.key))
        studio.put_analysis(source.key, written)
        before = _hashes(studio, source.key)
        tell(f"{source.key}: the upgrade")
        made = studio.finish(*studio.fund(source.key, source.rung))
        after = _hashes(studio, source.key)
        plan = Plan.read(made.job["settings"])
        tell(f"{source.key}: the whole ladder")
        rungs, laddered = ladder(ffmpeg, plan, source.path, folder)
        tell(f"{source.key}: one pass, to compare with")
        beside = _beside(studio, plan, source, folder)
        return Compared(
            source=source,
            source_bytes=source.path.stat().st_size,
            made=made,
            plan=plan,
            rungs=rungs,
            ladder=laddered,
            analysed=analysed,
            beside=beside,
            shares=shares(ffmpeg, source.path, plan, made.chunks),
            parts=len(before),
            parts_kept=sum(after.get(name) == digest for name, digest in before.items()),
        )


def _beside(studio: Studio, plan: Plan, source: Source, folder: Path) -> Beside:
    plain = one_pass(studio.ffmpeg, plan, source.path, folder)
    key = next(
        row["playlist_key"].replace(PLAYLIST_NAME, MEDIA_NAME)
        for row in contents.list_renditions(studio.db, source.key)
        if row["rung"] == source.rung
    )
    ours = studio.fetch(key, folder / "ours.mp4")
    made = [plain.files[0], ours]
    vmaf, vmaf_ours = judge(studio.ffmpeg, plan, source.path, made, folder)
    size_bytes, size_ours_bytes = (picture_bytes(studio.ffmpeg, path) for path in made)
    return Beside(
        encoded=plain,
        vmaf=vmaf,
        vmaf_ours=vmaf_ours,
        size_bytes=size_bytes,
        size_ours_bytes=size_ours_bytes,
    )


def _hashes(studio: Studio, content_id: str) -> Mapping[str, str]:
    """SHA-256 of every part of the analysis, read from the bucket past our own code."""
    listed = studio.list_keys(f"analysis/{content_id}/")
    return {key: hashlib.sha256(studio.read(key)).hexdigest() for key in listed}
