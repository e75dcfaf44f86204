"""WebVTT, as far as moving its times needs it."""

import re
from typing import Final

STAMP: Final = r"(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}"
_TIMING: Final = re.compile(rf"[ \t]*({STAMP})[ \t]+-->[ \t]+({STAMP})((?:[ \t].*)?)")
_INNER: Final = re.compile(rf"<({STAMP})>")


class Untimed(Exception):
    """The text is no WebVTT whose times can be moved; says why."""


def move_captions(text: str, *, shift_ms: int, end_ms: int) -> tuple[str, int, int]:
    """Move every cue; what is left of it within the film is kept, and nothing of it drops it.

    Args:
        text: The file.
        shift_ms: Added to every time.
        end_ms: Where the film ends.

    Returns:
        The new file, how many cues it has, and how many were dropped.

    Raises:
        Untimed: It is no WebVTT, or maps its times to another clock.
    """
    body = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", body):
        raise Untimed("it does not begin with WEBVTT")
    header, *blocks = re.split(r"\n(?:[ \t]*\n)+", body.strip("\n"))
    if "X-TIMESTAMP-MAP" in header:
        raise Untimed("its times are mapped to another clock (X-TIMESTAMP-MAP)")
    kept: list[str] = [header]
    cues = dropped = 0
    for block in blocks:
        moved = _move_block(block, shift_ms, end_ms)
        if moved is None:
            dropped += 1
            continue
        cues += moved != block or "-->" in block
        kept.append(moved)
    return "\n\n".join(kept) + "\n", cues, dropped


def _move_block(block: str, shift_ms: int, end_ms: int) -> str | None:
    """None when the cue lies outside; what is no cue stays as it is."""
    lines = block.split("\n")
    at = next((number for number, line in enumerate(lines[:2]) if "-->" in line), None)
    if at is None:
        if "-->" in block:
            raise Untimed(f"a block is neither a cue nor a note: {lines[0]!r}")
        return block
    timing = _TIMING.fullmatch(lines[at])
    if timing is None:
        raise Untimed(f"a cue's times cannot be read: {lines[at]!r}")
    start_ms = max(0, read_stamp(timing[1]) + shift_ms)
    stop_ms = min(end_ms, read_stamp(timing[2]) + shift_ms)
    if stop_ms <= start_ms:
        return None

    def inner(found: re.Match[str]) -> str:
        moved_ms = read_stamp(found[1]) + shift_ms
        return f"<{write_stamp(min(stop_ms, max(start_ms, moved_ms)))}>"

    lines[at] = f"{write_stamp(start_ms)} --> {write_stamp(stop_ms)}{timing[3]}"
    return "\n".join([*lines[: at + 1], *(_INNER.sub(inner, line) for line in lines[at + 1 :])])


def read_stamp(stamp: str) -> int:
    """Milliseconds of "01:02:03.456" or "02:03.456"."""
    clock, _, thousandths = stamp.partition(".")
    hours, minutes, seconds = ("0:" * (2 - clock.count(":")) + clock).split(":")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)


def write_stamp(time_ms: int) -> str:
    """With hours, which every reader understands."""
    seconds, thousandths = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"
