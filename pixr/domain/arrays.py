"""NumPy's .npy files, version 1, without NumPy: the header, and rows as bytes."""

import ast
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final

MAGIC: Final = b"\x93NUMPY\x01\x00"
_BEGIN: Final = len(MAGIC) + 2
HEADER_BYTES_MAX: Final = 10_000
"""NumPy itself refuses longer ones: evaluating them may take too long."""

ROWS_DIGITS: Final = 21

_PLAIN: Final = re.compile(r"([<>|=])([bifucSUV])(\d+)")
_TIME: Final = re.compile(r"([<>])f([48])")


class Malformed(Exception):
    """Not an array that can be read here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Rows along the first axis."""

    descr: Any
    """As the header has it: a text, or a list of fields."""
    shape: tuple[int, ...]
    rows: Sequence[bytes]

    @property
    def fields(self) -> dict[str, tuple[int, str]]:
        """Offset in bytes and type of each field of a structured array."""
        found: dict[str, tuple[int, str]] = {}
        offset = 0
        for name, descr, count in _fields(self.descr):
            found[name] = offset, descr
            offset += _size(descr) * count
        return found

    def with_rows(self, rows: Sequence[bytes]) -> "Array":
        """The same kind of array with other rows."""
        return replace(self, rows=rows, shape=(len(rows), *self.shape[1:]))


def read_array(data: bytes) -> Array:
    """Take a file apart.

    Raises:
        Malformed: It is another version, holds Python objects, runs by columns, or is not whole.
    """
    if data[: len(MAGIC)] != MAGIC or len(data) < _BEGIN:
        raise Malformed("it is no .npy file of version 1.0")
    (length,) = struct.unpack_from("<H", data, len(MAGIC))
    header = _header(data[_BEGIN : _BEGIN + length])
    descr, is_fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    if is_fortran is not False:
        raise Malformed("its rows do not lie one after the other")
    sides = _sides(shape)
    if not sides:
        raise Malformed("it has no rows")
    size = _size(descr) * prod(sides[1:])
    body = data[_BEGIN + length :]
    if size == 0 or len(body) != size * sides[0]:
        raise Malformed(f"it has {len(body)} bytes of rows instead of {size * sides[0]}")
    return Array(
        descr=descr,
        shape=sides,
        rows=tuple(body[at : at + size] for at in range(0, len(body), size)),
    )


def _header(text: bytes) -> dict[str, Any]:
    if len(text) > HEADER_BYTES_MAX:
        raise Malformed(f"its header is longer than {HEADER_BYTES_MAX} bytes")
    # issubclass, because isinstance would narrow Any to containers of the unknown.
    try:
        header: Any = ast.literal_eval(text.decode("latin-1"))
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Malformed("its header cannot be read") from error
    if not issubclass(type(header), dict):
        raise Malformed("its header is no dictionary")
    known: dict[Any, Any] = header
    if set(known) != {"descr", "fortran_order", "shape"}:
        raise Malformed("its header does not say type, order and shape")
    return known


def _fields(descr: Any) -> list[tuple[str, str, int]]:
    """Name, type and count of the values of each field; none of a plain array."""
    if not issubclass(type(descr), list):
        return []
    listed: list[Any] = descr
    found: list[tuple[str, str, int]] = []
    for field in listed:
        match field:
            case (str(name), str(plain)):
                found.append((name, plain, 1))
            case (str(name), str(plain), sides):
                found.append((name, plain, prod(_sides(sides))))
            case _:
                raise Malformed(f"a field of type {field!r} is not understood")
    return found


def _sides(shape: Any) -> tuple[int, ...]:
    """A shape that is one."""
    if not issubclass(type(shape), tuple):
        raise Malformed(f"a shape of {shape!r} is not understood")
    sides: list[Any] = list(shape)
    if not all(type(side) is int and side >= 0 for side in sides):
        raise Malformed(f"a shape of {shape!r} is not understood")
    return tuple(sides)


def _size(descr: Any) -> int:
    """Bytes of one value."""
    if isinstance(descr, str) and (plain := _PLAIN.fullmatch(descr)):
        return int(plain[3]) * (4 if plain[2] == "U" else 1)
    fields = _fields(descr)
    if not fields:
        raise Malformed(f"values of type {descr!r} are not understood")
    return sum(_size(plain) * count for _, plain, count in fields)


def write_array(array: Array) -> bytes:
    """The file, byte for byte as NumPy writes it."""
    text = f"{{'descr': {array.descr!r}, 'fortran_order': False, 'shape': {array.shape!r}, }}"
    # Room for 21 digits of rows; the data begins at a multiple of 64 bytes.
    text += " " * (ROWS_DIGITS - len(str(array.shape[0])))
    padded = text + " " * (64 - (_BEGIN + len(text) + 1) % 64) + "\n"
    return MAGIC + struct.pack("<H", len(padded)) + padded.encode("latin-1") + b"".join(array.rows)


def time_format(descr: Any) -> str:
    """How ``struct`` reads a time of this type.

    Raises:
        Malformed: It is no number of seconds with a point.
    """
    found = _TIME.fullmatch(descr) if isinstance(descr, str) else None
    if found is None:
        raise Malformed(f"times of type {descr!r} are not seconds in float32 or float64")
    return found[1] + {"4": "f", "8": "d"}[found[2]]
