"""What comes out of the three queues, checked before anything acts on it.

PlanQueue carries S3's own notifications and our ``{"job_id"}``; EncodeQueue ``{"job_id"}`` for a
job whose quality is to be searched, and ``{"job_id", "position"}`` for a chunk.
A body that is neither fails its record, so that it ends among the dead letters, where a
person sees it.
"""

from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class JobMessage(BaseModel):
    """Work on this job: plan it, or assemble it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: UUID


class ChunkMessage(BaseModel):
    """Encode this chunk of this job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: UUID
    position: int = Field(ge=0)


class _Object(BaseModel):
    key: str
    """Form-encoded, as S3 sends it."""


class _Storage(BaseModel):
    object: _Object


class _Created(BaseModel):
    s3: _Storage


class S3Notification(BaseModel):
    """Objects that were created."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    records: list[_Created] = Field(alias="Records", min_length=1)

    @property
    def keys(self) -> list[str]:
        """The objects' keys, decoded."""
        return [unquote_plus(record.s3.object.key) for record in self.records]


class S3Test(BaseModel):
    """What S3 sends once, when the notification is set up."""

    model_config = ConfigDict(frozen=True)

    event: str = Field(alias="Event", pattern="^s3:TestEvent$")


PlanMessage = JobMessage | S3Notification | S3Test

_PLAN: TypeAdapter[PlanMessage] = TypeAdapter(PlanMessage)


def read_plan_message(body: str) -> PlanMessage:
    """Decode what PlanQueue delivers.

    Raises:
        pydantic.ValidationError: It is none of the three.
    """
    return _PLAN.validate_json(body)


EncodeMessage = ChunkMessage | JobMessage

_ENCODE: TypeAdapter[EncodeMessage] = TypeAdapter(EncodeMessage)


def read_encode_message(body: str) -> EncodeMessage:
    """Decode what EncodeQueue delivers.

    Raises:
        pydantic.ValidationError: It is neither.
    """
    return _ENCODE.validate_json(body)


def chunk_message(job_id: UUID, position: int) -> dict[str, Any]:
    """Ask for one chunk."""
    return ChunkMessage(job_id=job_id, position=position).model_dump(mode="json")


def job_message(job_id: UUID) -> dict[str, Any]:
    """Ask for the next step of a job."""
    return JobMessage(job_id=job_id).model_dump(mode="json")
