"""S3: originals come in, chunks pass through, media goes out.

One ``Bucket`` for one bucket. Transfers are streamed and bounded, every failure names the
bucket and the key, and an object that changed under us is an error of its own: a job must
never mix two sources. boto3 takes region, credentials and AWS_ENDPOINT_URL by itself.
"""

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pixr.domain.errors import Outage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STEP_BYTES: Final = 1024 * 1024
"""What is held in memory of a streamed object."""

SMALL_BYTES_MAX: Final = 4 * 1024**2
"""A playlist or a manifest; anything larger is not one."""

DELETES_MAX: Final = 1000
"""Keys in one request, S3's own limit."""

_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_CHANGED: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})


class ObjectStoreError(Outage):
    """S3 refused or did not answer; names the bucket, the key and what was tried."""

    part = "object store"


class ObjectMissing(ObjectStoreError):
    """There is no such object (any more)."""


class ObjectChanged(ObjectStoreError):
    """The object is not the version that was asked for."""


class ObjectTooLarge(ObjectStoreError):
    """The object is larger than the reader allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What S3 says about an object without sending it."""

    size_bytes: int
    etag: str


class Bucket:
    """One bucket. Its client is made at first use: a second in a cold Lambda, so only then."""

    def __init__(self, name: str) -> None:
        self.name = name

    def head(self, key: str) -> Head:
        """Size and etag.

        Raises:
            ObjectMissing: No such key.
            ObjectStoreError: Anything else.
        """
        with self._named("head", key):
            answer = self._client.head_object(Bucket=self.name, Key=key)
            return Head(size_bytes=answer["ContentLength"], etag=answer["ETag"])

    def download(self, key: str, path: Path, *, bytes_max: int, etag: str | None = None) -> None:
        """Stream an object, or exactly its version ``etag``, into a new file.

        Raises:
            ObjectMissing: No such key.
            ObjectChanged: The key holds another version by now.
            ObjectTooLarge: More than ``bytes_max``; nothing was written.
            ObjectStoreError: Anything else, a body that ended early included.
        """
        with self._named("download", key):
            if etag is None:
                answer = self._client.get_object(Bucket=self.name, Key=key)
            else:
                answer = self._client.get_object(Bucket=self.name, Key=key, IfMatch=etag)
            self._check_size(key, answer["ContentLength"], bytes_max)
            with path.open("xb") as file:
                for block in answer["Body"].iter_chunks(STEP_BYTES):
                    file.write(block)

    def read(self, key: str, *, bytes_max: int = SMALL_BYTES_MAX) -> tuple[bytes, str]:
        """An object that fits into memory, and its etag.

        Raises:
            ObjectMissing: No such key.
            ObjectTooLarge: More than ``bytes_max``.
            ObjectStoreError: Anything else.
        """
        with self._named("read", key):
            answer = self._client.get_object(Bucket=self.name, Key=key)
            self._check_size(key, answer["ContentLength"], bytes_max)
            return answer["Body"].read(), answer["ETag"]

    def read_range(self, key: str, start: int, length: int, *, etag: str) -> bytes:
        """``length`` bytes of exactly this version, from byte ``start``; fewer at its end.

        Raises:
            ObjectMissing: No such key.
            ObjectChanged: The key holds another version by now.
            ObjectStoreError: Anything else.
        """
        with self._named("read", key):
            answer = self._client.get_object(
                Bucket=self.name,
                Key=key,
                IfMatch=etag,
                Range=f"bytes={start}-{start + length - 1}",
            )
            return answer["Body"].read()

    def sha256(self, key: str) -> str:
        """Hash what the object holds, streamed, as lower-case hex.

        Raises:
            ObjectMissing: No such key.
            ObjectStoreError: Anything else.
        """
        digest = hashlib.sha256()
        with self._named("hash", key):
            answer = self._client.get_object(Bucket=self.name, Key=key)
            for block in answer["Body"].iter_chunks(STEP_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def upload(self, path: Path, key: str, *, content_type: str) -> None:
        """Put a file of at most 5 GiB, in one request: it is there whole or not at all."""
        with self._named("upload", key), path.open("rb") as file:
            self._client.put_object(Bucket=self.name, Key=key, Body=file, ContentType=content_type)

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Put what is in memory, whatever is there."""
        with self._named("put", key):
            self._client.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type)

    def replace(self, key: str, body: bytes, *, content_type: str, etag: str | None) -> None:
        """Write a small object over the version that was read.

        Args:
            key: Where.
            body: What.
            content_type: As players want it.
            etag: The version that may be replaced; None when there must be none yet.

        Raises:
            ObjectChanged: Somebody else wrote meanwhile: read again.
        """
        with self._named("replace", key):
            if etag is None:
                self._client.put_object(
                    Bucket=self.name, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
                )
            else:
                self._client.put_object(
                    Bucket=self.name, Key=key, Body=body, ContentType=content_type, IfMatch=etag
                )

    def move(self, key: str, destination: str) -> None:
        """Copy, then delete: an interruption leaves both, and a repeat ends it.

        What is larger than one copy may be, is copied in parts by boto3.

        Raises:
            ObjectMissing: No such key; it was moved before or never was.
        """
        with self._named("move", key):
            self._client.copy({"Bucket": self.name, "Key": key}, self.name, destination)
            self._client.delete_object(Bucket=self.name, Key=key)

    def list_keys(self, prefix: str, *, keys_max: int = DELETES_MAX) -> list[str]:
        """Keys that start with ``prefix``, in order.

        Raises:
            ObjectTooLarge: There are more than ``keys_max``.
        """
        with self._named("list", prefix):
            answer = self._client.list_objects_v2(
                Bucket=self.name, Prefix=prefix, MaxKeys=min(keys_max, DELETES_MAX)
            )
        if answer["IsTruncated"]:
            raise ObjectTooLarge(f"s3://{self.name}/{prefix} holds more than {keys_max} objects")
        return [item["Key"] for item in answer.get("Contents", []) if "Key" in item]

    def delete(self, keys: Sequence[str]) -> None:
        """Delete what is there of ``keys``; what is not there is not an error."""
        for start in range(0, len(keys), DELETES_MAX):
            group = keys[start : start + DELETES_MAX]
            with self._named("delete", group[0]):
                answer = self._client.delete_objects(
                    Bucket=self.name,
                    Delete={"Objects": [{"Key": key} for key in group], "Quiet": True},
                )
            if errors := answer.get("Errors"):
                raise ObjectStoreError(f"delete s3://{self.name}/{group[0]}…: {errors[0]}")

    def presign_put(self, key: str, *, expires_s: int) -> str:
        """A URL that lets its holder put exactly this key for ``expires_s`` seconds."""
        with self._named("presign", key):
            return self._client.generate_presigned_url(
                "put_object", Params={"Bucket": self.name, "Key": key}, ExpiresIn=expires_s
            )

    @cached_property
    def _client(self) -> "S3Client":
        import boto3  # noqa: PLC0415 -- a second of a cold start, only where S3 is used
        from botocore.config import Config  # noqa: PLC0415 -- likewise

        config = Config(
            signature_version="s3v4",
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            # A presigned URL must not ask browsers for a checksum header.
            request_checksum_calculation="when_required",
        )
        # boto3-stubs knows the other services only as Unknown.
        return boto3.client("s3", config=config)  # pyright: ignore[reportUnknownMemberType]

    def _check_size(self, key: str, size_bytes: int, bytes_max: int) -> None:
        if size_bytes > bytes_max:
            raise ObjectTooLarge(
                f"s3://{self.name}/{key} has {size_bytes} bytes, more than {bytes_max}"
            )

    @contextmanager
    def _named(self, verb: str, key: str) -> Generator[None]:
        """Turn what botocore raises into our errors, with the bucket and the key in them."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as above

        where = f"{verb} s3://{self.name}/{key}"
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "?")
            if code in _MISSING:
                raise ObjectMissing(f"{where}: there is no such object") from error
            if code in _CHANGED:
                raise ObjectChanged(f"{where}: another version is there") from error
            raise ObjectStoreError(f"{where}: {code}") from error
        except BotoCoreError as error:
            raise ObjectStoreError(f"{where}: {error}") from error


def presign_put(bucket: str, key: str, expires_s: int) -> str:
    """A URL that lets its holder put exactly this key for ``expires_s`` seconds."""
    return Bucket(bucket).presign_put(key, expires_s=expires_s)


def sha256_of(path: Path) -> str:
    """Hash a file as ``Bucket.sha256`` would hash the object it becomes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
