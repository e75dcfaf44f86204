"""The boxes that an MP4 file is made of: each says what it is and how long.

Source:
    ISO/IEC 14496-12, clause 4.2.
"""

import struct
from collections.abc import Callable
from typing import Final

HEAD_BYTES: Final = 16
"""As much of a box as tells its kind and length, however that is written."""


Read = Callable[[int, int], bytes]
"""``length`` bytes of the file from byte ``start``; fewer at its end."""


class Malformed(ValueError):
    """The bytes are not the boxes that they should be."""


def box_at(data: bytes, at: int, room: int, *, may_fill: bool) -> tuple[bytes, int, int]:
    """Kind, header length and whole length of the box at ``at``.

    Args:
        data: Some of the file.
        at: Where the box begins in ``data``.
        room: Bytes from there to the end of what the box is in.
        may_fill: It may say that it reaches to that end, whatever that is.

    Raises:
        Malformed: It is cut, or longer than its room.
    """
    if len(data) - at < 8:  # noqa: PLR2004 -- a box's least header
        raise Malformed("a box is cut")
    size, kind = struct.unpack_from(">I4s", data, at)
    head = 8
    if size == 1 and len(data) - at >= HEAD_BYTES:
        (size,) = struct.unpack_from(">Q", data, at + 8)
        head = 16
    elif size == 0 and may_fill:
        size = room
    if not head <= size <= room:
        raise Malformed(f"box {kind!r} has {size} bytes where {room} are left")
    return kind, head, size
