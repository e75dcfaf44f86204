"""Move an analysis along with a film that begins earlier or later by an exact time.

    transcript.vtt   cues keep what lies within the film; what lies outside is dropped
    scenes.json      cuts within the film are kept
    embeddings.npy   rows whose time lies within the film are kept; times are in the field
                     "time_s", or row by row in embeddings_times.npy
    manifest.json    every part hashed anew
    anything else    as it was, unless there are times in it: those only a new analysis can mend

Within the film means: not before its first picture, and before its end. Nothing here reads or
writes a file; the old version stays what it is.
"""

import hashlib
import json
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import compress
from typing import Any, Final

from pixr.domain.arrays import Array, Malformed, read_array, time_format, write_array
from pixr.domain.captions import Untimed, move_captions

MANIFEST: Final = "manifest.json"
TIMES: Final = "embeddings_times.npy"
EMBEDDINGS: Final = "embeddings.npy"
SCENES: Final = "scenes.json"
TIME_FIELD: Final = "time_s"

TIMED_ENDINGS: Final = (".srt", ".ass", ".ssa", ".ttml", ".sbv", ".lrc", ".eaf", ".itt", ".sub")
TEXT_ENDINGS: Final = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml", ".yaml", ".yml")

# A key or a column that speaks of time, or a clock's time in the text itself.
_TIMED_WORDS: Final = re.compile(
    r"(?i)[\"'<,;\t\n]?\b(?:start|end|begin|stop|time|times|timestamp|timestamps|time_?code|offset"
    r"|duration|pts|dts|cuts?|frames?|seconds|milliseconds|\w+_(?:s|ms|sec|seconds|times?|start|end|at))\b"
    r"|\b\d+:[0-5]\d\b"
)


class NeedsAnalysis(Exception):
    """The analysis cannot be moved, and must be made again; says why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"needs re-analysis: {name} cannot be moved: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A new version of an analysis."""

    parts: Mapping[str, bytes]
    """All of them, the manifest included."""
    changes: tuple[str, ...]
    """What was done, a sentence a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    shift_ms: int
    duration_ms: int

    def time(self, time_s: Fraction) -> Fraction | None:
        """Where it is now; None outside of the film."""
        moved_s = time_s + Fraction(self.shift_ms, 1000)
        return moved_s if 0 <= moved_s < Fraction(self.duration_ms, 1000) else None


def move(parts: Mapping[str, bytes], *, shift_ms: int, duration_ms: int) -> Moved:
    """Move every time code.

    Args:
        parts: By name, with the manifest.
        shift_ms: Added to every time: ``Judgement.shift_ms`` of an exact shift.
        duration_ms: Of the new film.

    Raises:
        NeedsAnalysis: A part has times that are not understood, or is not what the manifest says.
    """
    hashes, manifest = _manifest(parts)
    how = _Move(shift_ms=shift_ms, duration_ms=duration_ms)
    moved = {name: data for name, data in parts.items() if name != MANIFEST}
    changes: list[str] = []
    for name in sorted(moved):
        try:
            if mover := _mover(name):
                moved[name], change = mover(moved[name], how)
                changes.append(f"{name}: {change}")
            elif name not in (TIMES, EMBEDDINGS):
                _check_untimed(name, moved[name])
        except (Malformed, Untimed) as error:
            raise NeedsAnalysis(name, str(error)) from error
    changes += _move_embeddings(moved, how)
    for name in hashes:
        hashes[name] = hashlib.sha256(moved[name]).hexdigest()
    manifest["sha256"] = hashes
    whole = {**moved, MANIFEST: (json.dumps(manifest, indent=1) + "\n").encode()}
    return Moved(parts=whole, changes=tuple(changes))


def _manifest(parts: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, Any]]:
    """The hashes that it names, each checked, and the whole of it."""
    manifest = _json(MANIFEST, parts.get(MANIFEST, b""))
    hashes: Any = manifest.get("sha256")
    if not issubclass(type(hashes), dict):
        raise NeedsAnalysis(MANIFEST, 'it has no "sha256" with a hash for each part')
    for key, value in manifest.items():
        if key != "sha256" and not isinstance(value, str):
            raise NeedsAnalysis(MANIFEST, f"{key!r} may hold a time")
    checked: dict[str, str] = {}
    named: dict[str, Any] = hashes
    for name, digest in named.items():
        if name == MANIFEST or name not in parts:
            raise NeedsAnalysis(name, "the manifest names it, and it is not there")
        if hashlib.sha256(parts[name]).hexdigest() != digest:
            raise NeedsAnalysis(name, "it is not what the manifest says")
        checked[name] = digest
    return checked, manifest


def _json(name: str, data: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> Any:
        raise NeedsAnalysis(name, f"{constant} is no number")

    try:
        document: Any = json.loads(data, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NeedsAnalysis(name, "it is no JSON") from error
    if not issubclass(type(document), dict):
        raise NeedsAnalysis(name, "it is no JSON object")
    named: dict[str, Any] = document
    return named


_Mover = Callable[[bytes, _Move], tuple[bytes, str]]


def _mover(name: str) -> _Mover | None:
    if name.endswith(".vtt"):
        return _move_transcript
    return _move_scenes if name == SCENES else None


def _move_transcript(data: bytes, how: _Move) -> tuple[bytes, str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Untimed("it is not UTF-8") from error
    moved, cues, dropped = move_captions(text, shift_ms=how.shift_ms, end_ms=how.duration_ms)
    return moved.encode(), f"{cues} cues moved by {how.shift_ms} ms, {dropped} dropped"


def _move_scenes(data: bytes, how: _Move) -> tuple[bytes, str]:
    scenes = _json(SCENES, data)
    cuts: Any = scenes.get("cuts")
    if scenes.get("unit") != "seconds" or set(scenes) != {"unit", "cuts"}:
        raise NeedsAnalysis(SCENES, 'it is not {"unit": "seconds", "cuts": […]}')
    numbers: list[Any] = cuts if issubclass(type(cuts), list) else [None]
    if not all(type(cut) in (int, Decimal) for cut in numbers):
        raise NeedsAnalysis(SCENES, "a cut is no number")
    shift_s = Decimal(how.shift_ms).scaleb(-3)
    kept = [str(cut + shift_s) for cut in numbers if how.time(Fraction(cut)) is not None]
    text = f'{{"unit": "seconds", "cuts": [{", ".join(kept)}]}}\n'
    dropped = len(numbers) - len(kept)
    return text.encode(), f"{len(kept)} cuts moved by {how.shift_ms} ms, {dropped} dropped"


def _move_embeddings(parts: dict[str, bytes], how: _Move) -> list[str]:
    """Move rows and times together, in place."""
    if EMBEDDINGS not in parts and TIMES not in parts:
        return []
    name = EMBEDDINGS
    try:
        rows = read_array(parts[EMBEDDINGS]) if EMBEDDINGS in parts else None
        if rows is not None and TIME_FIELD in rows.fields:
            offset, descr = rows.fields[TIME_FIELD]
            rows, kept = _move_rows(rows, offset, descr, how)
            parts[EMBEDDINGS] = write_array(rows)
        elif TIMES in parts:
            name = TIMES
            times = read_array(parts[TIMES])
            if len(times.shape) != 1 or (rows and len(rows.rows) != len(times.rows)):
                raise NeedsAnalysis(TIMES, "it has not one time for each row of embeddings")
            times, kept = _move_rows(times, 0, times.descr, how)
            parts[TIMES] = write_array(times)
            if rows:
                parts[EMBEDDINGS] = write_array(rows.with_rows(tuple(compress(rows.rows, kept))))
        else:
            raise NeedsAnalysis(EMBEDDINGS, f"there is neither {TIMES} nor a field {TIME_FIELD}")
    except Malformed as error:
        raise NeedsAnalysis(name, str(error)) from error
    dropped = len(kept) - sum(kept)
    return [f"{EMBEDDINGS}: {sum(kept)} rows moved by {how.shift_ms} ms, {dropped} dropped"]


def _move_rows(array: Array, offset: int, descr: Any, how: _Move) -> tuple[Array, list[bool]]:
    """Move the time in each row; say which rows are kept."""
    number = struct.Struct(time_format(descr))
    rows: list[bytes] = []
    kept: list[bool] = []
    for row in array.rows:
        (time_s,) = number.unpack_from(row, offset)
        try:
            moved_s = how.time(Fraction(time_s))
        except (ValueError, OverflowError) as error:
            raise Malformed(f"{time_s} is no time") from error
        kept.append(moved_s is not None)
        if moved_s is not None:
            changed = bytearray(row)
            number.pack_into(changed, offset, float(moved_s))
            rows.append(bytes(changed))
    return array.with_rows(tuple(rows)), kept


def _check_untimed(name: str, data: bytes) -> None:
    """Refuse a part of a kind that is not known when there are times in it."""
    if name.endswith(TIMED_ENDINGS):
        raise NeedsAnalysis(name, "its times are in a format that is not understood")
    if name.endswith(".npy"):
        fields = read_array(data).fields
        if any(_TIMED_WORDS.search(field) for field in (name.removesuffix(".npy"), *fields)):
            raise NeedsAnalysis(name, "it seems to hold times")
    elif name.endswith(TEXT_ENDINGS):
        found = _TIMED_WORDS.search(data.decode(errors="replace"))
        if found:
            raise NeedsAnalysis(name, f"it seems to hold times: {found[0].strip()!r}")
