"""S3: large files that come in parts, each by a presigned PUT of its own.

begin ─▶ presign_part × n ─▶ list_parts ─▶ complete
  └────────────────────────────────────────▶ abort
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from pixr.adapters.objects import Bucket, ObjectStoreError
from pixr.domain.uploads import Part

PARTS_PER_LIST: Final = 1000
"""In one answer, S3's own limit."""


class UploadMissing(ObjectStoreError):
    """There is no such multipart upload: it was completed, aborted, or dropped for its age."""


class PartsBucket(Bucket):
    """A bucket that takes files in parts."""

    def begin(self, key: str) -> str:
        """Begin a multipart upload of ``key``; return S3's name for it.

        Raises:
            ObjectStoreError: Perhaps it was begun; the bucket drops it after a day.
        """
        with self._named("begin", key):
            answer = self._client.create_multipart_upload(Bucket=self.name, Key=key)
            return answer["UploadId"]

    def presign_part(self, key: str, multipart_id: str, number: int, *, expires_s: int) -> str:
        """A URL that lets its holder put exactly this part for ``expires_s`` seconds."""
        with self._named("presign", key):
            return self._client.generate_presigned_url(
                "upload_part",
                Params={
                    "Bucket": self.name,
                    "Key": key,
                    "UploadId": multipart_id,
                    "PartNumber": number,
                },
                ExpiresIn=expires_s,
            )

    def list_parts(
        self, key: str, multipart_id: str, *, after: int, parts_max: int
    ) -> dict[int, Part]:
        """What was put of the parts with a number over ``after``.

        Args:
            key: Of the object.
            multipart_id: S3's name for the upload.
            after: A part's number; 0 for all.
            parts_max: Most parts to return, in order.

        Raises:
            UploadMissing: There is no such upload (any more).
            ObjectStoreError: Anything else.
        """
        found: dict[int, Part] = {}
        while len(found) < parts_max:
            with self._of_upload("list the parts of", key):
                answer = self._client.list_parts(
                    Bucket=self.name,
                    Key=key,
                    UploadId=multipart_id,
                    PartNumberMarker=after,
                    MaxParts=min(PARTS_PER_LIST, parts_max - len(found)),
                )
            page = {
                item["PartNumber"]: Part(
                    size_bytes=item.get("Size", 0), etag=item.get("ETag", "").strip('"')
                )
                for item in answer.get("Parts", [])
                if "PartNumber" in item
            }
            found |= page
            if not page or not answer["IsTruncated"]:
                break
            after = max(page)
        return found

    def complete(self, key: str, multipart_id: str, etags: Mapping[int, str]) -> None:
        """Join the parts to the object; S3 reports it as created.

        Args:
            key: Of the object.
            multipart_id: S3's name for the upload.
            etags: Number → ETag of every part.

        Raises:
            UploadMissing: There is no such upload (any more).
            ObjectStoreError: Anything else; it may have been completed.
        """
        with self._of_upload("complete", key):
            self._client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": number, "ETag": f'"{etags[number]}"'}
                        for number in sorted(etags)
                    ]
                },
            )

    def abort(self, key: str, multipart_id: str) -> None:
        """Drop what was put; an upload that is gone already is not an error."""
        try:
            with self._of_upload("abort", key):
                self._client.abort_multipart_upload(
                    Bucket=self.name, Key=key, UploadId=multipart_id
                )
        except UploadMissing:
            return

    @contextmanager
    def _of_upload(self, verb: str, key: str) -> Generator[None]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- as in objects

        try:
            with self._named(verb, key):
                yield
        except ObjectStoreError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and _code(cause) == "NoSuchUpload":
                raise UploadMissing(f"{verb} s3://{self.name}/{key}: no such upload") from cause
            raise


def _code(error: Exception) -> str:
    response: Mapping[str, Mapping[str, str]] = getattr(error, "response", {})
    return response.get("Error", {}).get("Code", "?")
