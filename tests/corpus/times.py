"""Files whose clock is wrong: durations, frame times, edits."""

from collections.abc import Callable, Sequence

from tests.corpus import atoms
from tests.corpus.case import CHEAP, HURT, OPEN, PUBLISHED, REJECTED, Case, edited, made, recut

TRAK = "moov/trak"
STBL = f"{TRAK}/mdia/minf/stbl"
SHORT = r"truncated: it declares 36\d\d\.\d s"
TIMES = r"times"
SECOND = 12_288
"""Ticks of the clip's picture."""
FRAME = 1_024


def _set(path: str, offset: int, *values: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.patch(data, path, offset, atoms.u32(*values))


def _hour(*paths: str) -> Callable[[bytes], bytes]:
    """Let headers declare an hour."""

    def edit(data: bytes) -> bytes:
        for path in paths:
            timescale = int.from_bytes(atoms.read(data, path)[12:16], "big")
            data = atoms.patch(data, path, 16, atoms.u32(3600 * timescale))
        return data

    return edit


def _deltas(*rows: tuple[int, int]) -> Callable[[bytes], bytes]:
    """How many frames last how long."""
    flat = [value for row in rows for value in row]
    return lambda data: atoms.refill(data, f"{STBL}/stts", atoms.u32(0, len(rows), *flat))


def _offsets(*rows: tuple[int, int], version: int = 0) -> Callable[[bytes], bytes]:
    """How many frames are shown how much later than they are decoded."""
    flat = [value % 2**32 for row in rows for value in row]
    return lambda data: atoms.refill(
        data, f"{STBL}/ctts", atoms.u32(version << 24, len(rows), *flat)
    )


def _edits(*rows: tuple[int, int, int], track: str = TRAK) -> Callable[[bytes], bytes]:
    """Length in milliseconds, start in ticks, speed of 65,536."""
    flat = [value % 2**32 for row in rows for value in row]
    return lambda data: atoms.refill(data, f"{track}/edts/elst", atoms.u32(0, len(rows), *flat))


def _no_edits(data: bytes) -> bytes:
    return atoms.remove(atoms.remove(data, f"{TRAK}/edts"), "moov/trak[1]/edts")


def _jump(
    name: str,
    expression: str,
    ends: frozenset[str] = OPEN,
    *,
    more: Sequence[str] = (),
    seconds: int = 2,
    file: str = "clip.mp4",
) -> Case:
    """A clip whose frame N is shown at a moment of its own."""
    return made(
        name,
        ends,
        file=file,
        seconds=seconds,
        filters=f"settb=1/12288,setpts='{expression}'",
        options=("-fps_mode", "passthrough", "-enc_time_base", "1:12288", *more),
    )


ONE = 1 << 16

CASES = (
    edited("an hour in mvhd", OPEN, _hour("moov/mvhd"), reason=SHORT),
    edited("an hour in mdhd", OPEN, _hour(f"{TRAK}/mdia/mdhd"), reason=SHORT),
    edited("an hour in the sound's mdhd", OPEN, _hour("moov/trak[1]/mdia/mdhd"), reason=SHORT),
    edited("an hour in all headers", OPEN,
           _hour("moov/mvhd", f"{TRAK}/mdia/mdhd", "moov/trak[1]/mdia/mdhd"), reason=SHORT),
    edited("136 years in mdhd", OPEN,
           _set(f"{TRAK}/mdia/mdhd", 12, 1, 2**32 - 1), reason="truncated|longer than"),
    edited("no length in any header", OPEN, lambda data: _set("moov/mvhd", 16, 0)(
        _set(f"{TRAK}/mdia/mdhd", 16, 0)(data))),
    edited("no timescale in mvhd", OPEN, _set("moov/mvhd", 12, 0)),
    edited("no timescale in mdhd", HURT, _set(f"{TRAK}/mdia/mdhd", 12, 0)),
    edited("one tick a second", OPEN, _set(f"{TRAK}/mdia/mdhd", 12, 1)),
    edited("4 billion ticks a second", HURT, _set(f"{TRAK}/mdia/mdhd", 12, 2**32 - 1)),
    edited("sound at 4 billion ticks a second", HURT,
           _set("moov/trak[1]/mdia/mdhd", 12, 2**32 - 1)),
    edited("all frames at once", REJECTED, _deltas((24, 0)), reason=TIMES),
    edited("two frames at once", OPEN, _deltas((11, FRAME), (1, 0), (12, FRAME))),
    edited("frames of 97 hours", HURT, _deltas((24, 2**32 - 1))),
    edited("one frame of an hour", OPEN, _deltas((11, FRAME), (1, 3600 * SECOND), (12, FRAME))),
    edited("last frame of an hour", OPEN, _deltas((23, FRAME), (1, 3600 * SECOND))),
    edited("a frame that goes back", OPEN, _deltas((11, FRAME), (1, 2**32 - 5000), (12, FRAME))),
    edited("times for fewer frames than there are", OPEN, _deltas((10, FRAME))),
    edited("times for more frames than there are", OPEN, _deltas((5000, FRAME))),
    edited("times for 4 billion frames", OPEN, _deltas((2**32 - 1, FRAME))),
    edited("shown 48 hours later", OPEN, _offsets((24, 2**31 - 1))),
    edited("shown 48 hours earlier", OPEN, _offsets((24, -(2**31)), version=1)),
    edited("every other frame 48 hours later", HURT,
           _offsets(*([(1, 0), (1, 2**31 - 1)] * 12))),
    edited("shown in the order of decoding", HURT, _offsets((24, 0))),
    edited("offsets for 4 billion frames", HURT, _offsets((2**32 - 1, FRAME))),
    edited("without edits", OPEN, _no_edits),
    edited("an empty edit of half a second", PUBLISHED,
           _edits((500, -1, ONE), (2000, 2048, ONE))),
    edited("an empty edit of 49 days", OPEN, _edits((2**32 - 1, -1, ONE), (2000, 2048, ONE))),
    edited("an empty edit alone", OPEN, _edits((2000, -1, ONE))),
    edited("an edit within a GOP", PUBLISHED, _edits((1200, 2048 + 5 * FRAME, ONE))),
    edited("an edit within a frame", OPEN, _edits((1200, 2048 + 5 * FRAME + 300, ONE))),
    edited("an edit beyond the end", OPEN, _edits((2000, 3600 * SECOND, ONE)),
           reason="no frames|truncated|times|shown"),
    edited("an edit at -2", OPEN, _edits((2000, -2, ONE))),
    edited("an edit of no length", OPEN, _edits((0, 2048, ONE))),
    edited("an edit of a millisecond", OPEN, _edits((1, 2048, ONE))),
    edited("an edit of 49 days", OPEN, _edits((2**32 - 1, 2048, ONE))),
    edited("an edit at double speed", OPEN, _edits((1000, 2048, 2 * ONE))),
    edited("an edit that stands still", OPEN, _edits((2000, 2048, 0))),
    edited("an edit that runs backwards", OPEN, _edits((2000, 2048, 2**32 - ONE))),
    edited("the end before the beginning by edits", HURT,
           _edits((1000, 2048 + SECOND, ONE), (1000, 2048, ONE))),
    edited("one second twice by edits", HURT, _edits((1000, 2048, ONE), (1000, 2048, ONE))),
    edited("500 edits", HURT, _edits(*([(10, 2048, ONE)] * 500))),
    edited("4 billion edits in 24 bytes", OPEN, _set(f"{TRAK}/edts/elst", 4, 2**32 - 1)),
    edited("sound's edit beyond the end", OPEN,
           _edits((2000, 3600 * 44100, ONE), track="moov/trak[1]")),
    _jump("frames at uneven times", "(N+0.9*mod(N*7,5)/5)/12/TB", PUBLISHED),
    _jump("a jump of six hours", "(N+gte(N,12)*6*3600*12)/12/TB"),
    _jump("a jump of one hour", "(N+gte(N,12)*3600*12)/12/TB", PUBLISHED),
    _jump("a jump of one hour in Matroska", "(N+gte(N,12)*3600*12)/12/TB", file="clip.mkv"),
    _jump("a jump of an hour in a transport stream", "(N+gte(N,12)*3600*12)/12/TB", file="clip.ts"),
    _jump("frames a tick apart", "N", HURT, more=("-frames:v", "24")),
    _jump("one frame a minute", "N*60/TB", seconds=121),
    recut("negative times", OPEN, "-c", "copy", "-avoid_negative_ts", "disabled",
          before=("-itsoffset", "-1")),
    recut("times that begin after five hours", OPEN, "-c", "copy", "-output_ts_offset", "18000"),
    recut("times that begin after five hours in Matroska", OPEN, "-c", "copy",
          "-output_ts_offset", "18000", file="clip.mkv"),
    recut("a transport stream whose clock wraps", OPEN, "-c", "copy", "-output_ts_offset", "95442",
          "-muxdelay", "0", file="clip.ts"),
    made("no key frame but the first", PUBLISHED, seconds=16, audio=(),
         options=("-g", "9999", "-bf", "0")),
    made("all key frames", PUBLISHED, options=("-g", "1")),
    made("open GOPs", PUBLISHED, seconds=16, audio=(), options=(
        "-preset", "fast", "-x264-params", "open-gop=1:bframes=3:b-pyramid=normal:keyint=30")),
    made("a pyramid of B-frames", PUBLISHED,
         options=("-preset", "fast", "-x264-params", "bframes=7:b-pyramid=normal:b-adapt=0")),
    made("a single frame", OPEN, options=("-frames:v", "1"), audio=()),
    made("a single frame with sound", OPEN, options=("-frames:v", "1"), audio=CHEAP),
    made("two frames", OPEN, options=("-frames:v", "2"), audio=()),
    made("1,000 frames a second", OPEN, rate="1000", audio=(), options=("-frames:v", "100")),
    made("a frame in five seconds", OPEN, rate="1/5", seconds=15, audio=()),
)  # fmt: skip
