"""Let a source that begins earlier or later take the present one's place.

    invested in, or no analysis ─▶ refused, before anything is encoded
    analysis ─ its hashes are the plan's ─▶ moved in memory ─▶ analysis_versions/{content}/{job}/

The version before stays what it is: nothing here writes where the analysis service does. What is
written is read back, and is pointed at by the transaction that shows the film made anew.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from pixr.adapters.objects import Bucket, ObjectMissing, ObjectTooLarge
from pixr.adapters.postgres import Database, Row, contents
from pixr.domain.analysis_versions import MANIFEST, NeedsAnalysis, move
from pixr.domain.sources import Unusable

PARTS_BYTES_MAX: Final = 128 * 1024**2
"""All in memory. Four hours of embeddings, 512 numbers a second, have 30 MB."""

INVESTED: Final = (
    "the new source begins or ends elsewhere, and investors have put money into qualities that are"
    " made of the present one. Upload it as a content of its own"
)

TYPES: Final = {".json": "application/json", ".vtt": "text/vtt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of an analysis that lies in the bucket, read back."""

    manifest_key: str
    parts: Mapping[str, str]
    """SHA-256 by key, the manifest's included."""
    changes: tuple[str, ...]
    """What was done, a sentence a part."""
    uncovered_ms: tuple[tuple[int, int], ...]
    """What the new film has before and after the old one: no analysis has seen it."""

    def document(self) -> dict[str, Any]:
        """As ``upgrade_jobs.analysis_moved`` holds it."""
        return asdict(self)


def check_movable(db: Database, content: Row) -> None:
    """Refuse a film that must not begin elsewhere.

    Raises:
        Unusable: Somebody has paid for a quality that is made of the present source.
    """
    if contents.is_invested(db, content["content_id"]):
        raise Unusable(INVESTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """What moving an analysis needs of the world."""

    bucket: Bucket

    def move(self, job: Row, *, shift_ms: int, old_ms: int, new_ms: int) -> Version:
        """Write the version that fits the job's source; repeating it writes the same.

        Args:
            job: With the hashes of the analysis that it was planned with.
            shift_ms: Added to every time code; see ``pixr.domain.sameness.Judgement``.
            old_ms: The duration of the present film.
            new_ms: That of the new one.

        Raises:
            Unusable: There is no analysis, it is not what it was, or it cannot be moved.
        """
        if job["analysis_before"] is None:
            raise Unusable(
                "the new source begins elsewhere, and there is no analysis yet that could be moved"
                " along: try again when there is, or upload it as a content of its own"
            )
        try:
            parts = self._read(job["analysis_before"])
            moved = move(parts, shift_ms=shift_ms, duration_ms=new_ms)
        except NeedsAnalysis as error:
            raise Unusable(f"{error}. Upload the source as a content of its own") from error
        folder = f"analysis_versions/{job['content_id']}/{job['id']}"
        # The manifest last: where it is, everything is.
        names = sorted(moved.parts, key=lambda name: (name == MANIFEST, name))
        hashes = {
            f"{folder}/{name}": self._write(f"{folder}/{name}", moved.parts[name]) for name in names
        }
        around = ((0, shift_ms), (old_ms + shift_ms, new_ms))
        return Version(
            manifest_key=f"{folder}/{MANIFEST}",
            parts=hashes,
            changes=moved.changes,
            uncovered_ms=tuple((begin, end) for begin, end in around if begin < end),
        )

    def _read(self, hashes: Mapping[str, str]) -> dict[str, bytes]:
        """All parts, by their names below the manifest."""
        manifests = (key for key in hashes if key.rpartition("/")[2] == MANIFEST)
        folder = min(manifests, key=len).removesuffix(MANIFEST)
        parts: dict[str, bytes] = {}
        room = PARTS_BYTES_MAX
        for key, digest in hashes.items():
            part = self._part(key, digest, bytes_max=room)
            parts[key.removeprefix(folder)] = part
            room -= len(part)
        return parts

    def _part(self, key: str, digest: str, *, bytes_max: int) -> bytes:
        try:
            data, _ = self.bucket.read(key, bytes_max=bytes_max)
        except ObjectMissing as error:
            raise NeedsAnalysis(key, "it was deleted while the job ran") from error
        except ObjectTooLarge as error:
            raise NeedsAnalysis(key, f"all parts have more than {PARTS_BYTES_MAX} bytes") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise NeedsAnalysis(key, "it changed while the job ran")
        return data

    def _write(self, key: str, data: bytes) -> str:
        """Its SHA-256, as read back."""
        kind = TYPES.get(PurePosixPath(key).suffix, "application/octet-stream")
        self.bucket.put(key, data, content_type=kind)
        kept = self.bucket.sha256(key)
        assert kept == hashlib.sha256(data).hexdigest(), f"{key} is not what was written"
        return kept
