"""What a dead letter of the video pipeline is about: the job, its content, how it stands, and why.

Bodies are ours (``{"job_id", "position"?}``), S3's (``Records[].s3.object.key``) or those of an
event of MediaConvert, which carries the job's id in its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote_plus
from uuid import UUID

from pixr.adapters.postgres import Database, contents, upgrades, uploads

DEPTH_MAX = 10
SHOWN_CHARACTERS_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A letter in words; what is not known is empty."""

    job: str = ""
    content: str = ""
    rung: str = ""
    part: str = ""
    """Which chunk, or which file."""
    state: str = ""
    reason: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """For a row of a table."""
        return (self.job, self.content, self.rung, self.part, self.state, self.reason)


def read(db: Database, body: str) -> Told:
    """Say what a letter is about; a body that is none of ours is shown as far as it goes."""
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Told(reason=f"unreadable: {_printable(body)}")
    found = dict(_leaves(document))
    if (job_id := _id(found.get("job_id"))) is not None:
        position = found.get("position")
        return _of_job(db, job_id, part="" if position is None else f"chunk {position}")
    key = found.get("key")
    if isinstance(key, str):
        return _of_file(db, unquote_plus(key))
    return Told(reason=f"names no job: {_printable(body)}")


def _of_job(db: Database, job_id: UUID, *, part: str) -> Told:
    job = upgrades.get(db, job_id)
    if job is None:
        return Told(job=str(job_id), part=part, reason="there is no such job")
    return Told(
        job=str(job_id),
        content=job["content_id"],
        rung="" if job["rung"] is None else f"{job['rung']}p",
        part=part,
        state=job["state"],
        reason=job["reason"] or "",
    )


def _of_file(db: Database, key: str) -> Told:
    file = _printable(key)
    _, content_id, name, *_ = (*key.split("/", 3), "", "")
    upload_id = _id(name)
    upload = None if upload_id is None else contents.get_upload(db, upload_id)
    if upload_id is None or upload is None:
        return Told(content=_printable(content_id), part=file, reason="nobody expects that file")
    job_id = uploads.job_of(db, upload_id)
    if job_id is not None:
        return _of_job(db, job_id, part=file)
    return Told(
        content=upload["content_id"],
        part=file,
        state=f"upload {upload['state']}",
        reason=upload["reason"] or "",
    )


def _leaves(value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every named value that is neither a list nor an object."""
    if depth > DEPTH_MAX:
        return
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _leaves(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if isinstance(item, dict | list):
                yield from _leaves(cast("object", item), depth + 1)
            else:
                yield name, item


def _id(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _printable(text: str) -> str:
    short = text[:SHOWN_CHARACTERS_MAX]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)
