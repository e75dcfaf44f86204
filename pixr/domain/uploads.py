"""A large file in parts: how it is cut, and whether what came is all of it.

bytes 0 ─ part 1 ─┬─ part 2 ─┬─ … ─┬─ part n ─ bytes     all of one size, but the last
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pixr.domain.errors import UploadConflict

BYTES_MAX: Final = 5 * 1024**4
"""The largest object that S3 keeps."""

PARTS_MAX: Final = 10_000
PART_BYTES_MIN: Final = 8 * 1024**2
"""S3 takes 5 MiB and more; a request for each 8 MiB is dear enough."""

PART_BYTES_STEP: Final = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A file of ``total_bytes`` in parts of ``part_bytes``."""

    total_bytes: int
    part_bytes: int

    @property
    def count(self) -> int:
        """How many parts there are; they are numbered from 1."""
        return -(-self.total_bytes // self.part_bytes)

    def size_bytes(self, number: int) -> int:
        """How large part ``number`` is: the last takes the rest."""
        return min(self.part_bytes, self.total_bytes - (number - 1) * self.part_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part as S3 has it."""

    size_bytes: int
    etag: str
    """Without quotes."""


def cut(total_bytes: int) -> Cut:
    """Cut a file of 1 to ``BYTES_MAX`` bytes: as small parts as ``PARTS_MAX`` of them allow."""
    assert 1 <= total_bytes <= BYTES_MAX
    least = -(-total_bytes // PARTS_MAX)
    stepped = -(-least // PART_BYTES_STEP) * PART_BYTES_STEP
    return Cut(total_bytes=total_bytes, part_bytes=max(PART_BYTES_MIN, stepped))


def check_parts(expected: Cut, named: Mapping[int, str], stored: Mapping[int, Part]) -> None:
    """Compare what a caller names with what S3 has.

    Args:
        expected: How the file was cut.
        named: Number → ETag without quotes.
        stored: Number → what was put.

    Raises:
        UploadConflict: Names the first part that is missing or another.
    """
    for number in range(1, expected.count + 1):
        part = stored.get(number)
        if number not in named:
            raise UploadConflict(f"part {number} of {expected.count} is not named")
        if part is None:
            raise UploadConflict(f"part {number} of {expected.count} was not put")
        size_bytes = expected.size_bytes(number)
        if part.size_bytes != size_bytes:
            raise UploadConflict(
                f"part {number} has {part.size_bytes} bytes, not {size_bytes}: put it again"
            )
        if part.etag != named[number]:
            raise UploadConflict(
                f"part {number} has the ETag {part.etag}, not {named[number]}:"
                " it was put again since, or is damaged"
            )
    if over := sorted(number for number in named if number > expected.count):
        raise UploadConflict(f"part {over[0]} is one too many: there are {expected.count}")
