"""Proof that an upgrade leaves the analysis of a video untouched.

The parts (transcript, embeddings, scenes) lie under ``analysis/{content_id}/`` and belong to
another service. Every part is hashed before planning and again before publishing; a job may
publish only when all that was there is there, byte for byte.
"""

from dataclasses import dataclass

from pixr.adapters.objects import Bucket, ObjectMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Where it is and what each part hashes to (SHA-256, lower-case hex)."""

    manifest_key: str
    parts: dict[str, str]


def read(bucket: Bucket, content_id: str, *, manifest_key: str | None) -> Analysis | None:
    """Hash every part of the content's analysis.

    Args:
        bucket: Where it is.
        content_id: Whose it is.
        manifest_key: As the content remembers it; None when none was seen yet.

    Returns:
        None when there is no manifest: then there is no analysis yet.
    """
    manifest = manifest_key or f"analysis/{content_id}/manifest.json"
    keys = bucket.list_keys(manifest.rpartition("/")[0] + "/")
    if manifest not in keys:
        return None
    return Analysis(manifest_key=manifest, parts={key: bucket.sha256(key) for key in keys})


def read_again(bucket: Bucket, before: dict[str, str]) -> dict[str, str | None]:
    """Hash the same parts once more; None for one that is gone. New parts harm nothing."""
    after: dict[str, str | None] = {}
    for key in before:
        try:
            after[key] = bucket.sha256(key)
        except ObjectMissing:
            after[key] = None
    return after
