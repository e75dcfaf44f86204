"""Goal: a file is cut so that S3 takes every part, and is whole when they are all there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.errors import UploadConflict
from pixr.domain.uploads import BYTES_MAX, PART_BYTES_MIN, PARTS_MAX, Part, check_parts, cut

S3_PART_BYTES_MAX = 5 * 1024**3


@given(total_bytes=st.integers(1, BYTES_MAX))
def test_the_parts_are_what_s3_takes_and_sum_to_the_file(total_bytes: int) -> None:
    pieces = cut(total_bytes)
    assert 1 <= pieces.count <= PARTS_MAX
    assert PART_BYTES_MIN <= pieces.part_bytes <= S3_PART_BYTES_MAX
    last = pieces.size_bytes(pieces.count)
    assert 1 <= last <= pieces.part_bytes
    assert (pieces.count - 1) * pieces.part_bytes + last == total_bytes


@given(data=st.data(), count=st.integers(1, 30))
def test_whatever_is_wrong_with_one_part_its_number_is_told(
    data: st.DataObject, count: int
) -> None:
    pieces = cut(count * PART_BYTES_MIN)
    stored = {
        number: Part(size_bytes=PART_BYTES_MIN, etag=f"e{number}") for number in range(1, count + 1)
    }
    named = {number: part.etag for number, part in stored.items()}
    check_parts(pieces, named, stored)
    number = data.draw(st.integers(1, count))
    wrong = data.draw(st.sampled_from(["unnamed", "unput", "size", "etag"]))
    if wrong == "unnamed":
        del named[number]
    elif wrong == "unput":
        del stored[number]
    elif wrong == "size":
        stored[number] = Part(size_bytes=PART_BYTES_MIN - 1, etag=f"e{number}")
    else:
        stored[number] = Part(size_bytes=PART_BYTES_MIN, etag="other")
    with pytest.raises(UploadConflict, match=f"part {number} "):
        check_parts(pieces, named, stored)
