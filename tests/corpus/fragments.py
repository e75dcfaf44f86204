"""Fragmented MP4 whose fragments are missing, doubled, in another order, or lie."""

from collections.abc import Callable, Sequence

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, edited

HOLE = r"missing|truncated|times|gap|decoded|not a video that can be read|no frames"
FRAGMENTS = 4


def _ordered(order: Sequence[int]) -> Callable[[bytes], bytes]:
    """These fragments in this order, without the table of where they are."""

    def edit(data: bytes) -> bytes:
        names = ["", "[1]", "[2]", "[3]"]
        parts = [
            atoms.whole(data, f"moof{name}") + atoms.whole(data, f"mdat{name}") for name in names
        ]
        return data[: atoms.find(data, "moof").start] + b"".join(parts[number] for number in order)

    return edit


def _patched(path: str, offset: int, *values: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.patch(data, path, offset, atoms.u32(*values))


CASES = (
    edited("fragments", PUBLISHED, bytes, of="fragments"),
    edited("fragments without their table", PUBLISHED, _ordered((0, 1, 2, 3)), of="fragments"),
    edited("fragments without the first", HURT, _ordered((1, 2, 3)), of="fragments"),
    edited("fragments without the second", HURT, _ordered((0, 2, 3)), of="fragments"),
    edited("fragments without the last", HURT, _ordered((0, 1, 2)), of="fragments"),
    edited("fragments, the second twice", HURT, _ordered((0, 1, 1, 2, 3)), of="fragments"),
    edited("fragments backwards", HURT, _ordered((3, 2, 1, 0)), of="fragments"),
    edited("fragments, two exchanged", HURT, _ordered((0, 2, 1, 3)), of="fragments"),
    edited("fragments, none of them", REJECTED, _ordered(()), of="fragments", reason=HOLE),
    edited("fragment without its frames", HURT,
           lambda data: atoms.remove(data, "mdat[1]"), of="fragments"),
    edited("fragments, the second box of frames has lost its name", HURT,
           lambda data: atoms.rename(data, "mdat[1]", b"free"), of="fragments"),
    edited("fragment without its index", HURT,
           lambda data: atoms.rename(data, "moof[1]", b"free"), of="fragments"),
    edited("fragment of another track", HURT,
           _patched("moof[1]/traf/tfhd", 4, 77), of="fragments"),
    edited("fragment in the far future", HURT,
           _patched("moof[2]/traf/tfdt", 4, 1 << 20, 0), of="fragments"),
    edited("fragment in the past", HURT, _patched("moof[2]/traf/tfdt", 4, 0, 0), of="fragments"),
    edited("fragment of 4 billion frames", HURT,
           _patched("moof[1]/traf/trun", 4, 2**32 - 1), of="fragments"),
    edited("fragment whose frames are elsewhere", HURT,
           _patched("moof[1]/traf/trun", 8, 2**31 - 1), of="fragments"),
    edited("fragment whose first frame has 2 GB", HURT,
           _patched("moof[1]/traf/trun", 12, 2**31 - 1, 2**31 - 1), of="fragments"),
    edited("fragments without their defaults", OPEN | HURT,
           lambda data: atoms.remove(data, "moov/mvex"), of="fragments"),
    edited("table of fragments that lies", OPEN,
           _patched("mfra/tfra", 16, *(12 * [0x7FFFFFFF])), of="fragments"),
    edited("table of fragments with 4 billion rows", OPEN,
           _patched("mfra/tfra", 12, 2**32 - 1), of="fragments"),
    edited("table of fragments that is larger than the file", OPEN,
           _patched("mfra/mfro", 4, 2**32 - 1), of="fragments"),
)  # fmt: skip
