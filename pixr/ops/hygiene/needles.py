"""A secret in every form in which it could lie about.

Raw, as hexadecimal, base64, base58, base32, the way Python prints bytes and the way JSON lists
them. Where a form keeps the order of bytes, each part is looked for by itself, so that a piece is
found as well as the whole; base64 is looked for as it reads at each of three alignments, base32
at each of five.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pixr.local.chain import base58

WINDOW_BYTES: Final = 16
"""128 bits are nobody's coincidence."""

_ALIGNMENTS: Final = 3
_BASE32_ALIGNMENTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Something that must lie nowhere but at home."""

    name: str
    raw: bytes
    is_text: bool = False
    """A token or a code: it travels as it is, and no byte of it is anything else."""
    public: bytes = b""
    """The public half that is written behind a private key; everybody may see it by itself."""


def forms(secret: Secret) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each form and what it looks like."""
    raw = secret.raw
    for number, window in enumerate(_windows(raw)):
        part = f"part {number + 1}, " if len(raw) > WINDOW_BYTES else ""
        yield f"{part}raw", window
        yield f"{part}hex", window.hex().encode()
        yield f"{part}HEX", window.hex().upper().encode()
        for shift in range(_ALIGNMENTS):
            for name, encode in (
                ("base64", base64.b64encode),
                ("base64url", base64.urlsafe_b64encode),
            ):
                yield (
                    f"{part}{name}",
                    _aligned(window, shift, encode(bytes(shift) + window), bits=6),
                )
        if secret.is_text:
            continue
        # An apostrophe is escaped or not, as there are quotes elsewhere in the text or not.
        printed = repr(b'"' + window)[3:-1]
        yield f"{part}as Python prints it", printed.encode()
        yield f"{part}as Python prints it", printed.replace("\\'", "'").encode()
        yield f"{part}as text in JSON", json.dumps(window.decode("latin-1"))[1:-1].encode()
        for shift in range(_BASE32_ALIGNMENTS):
            encoded = base64.b32encode(bytes(shift) + window)
            yield f"{part}base32", _aligned(window, shift, encoded, bits=5)
        yield f"{part}as a list", ", ".join(map(str, window)).encode()
        yield f"{part}as a list", ",".join(map(str, window)).encode()
    if not secret.is_text:
        yield "base58", base58.encode(raw).encode()
        if secret.public:
            yield "base58 of the key pair", base58.encode(raw + secret.public).encode()


def _windows(raw: bytes) -> list[bytes]:
    """The first and the last bytes of all that is long, and whatever stands between."""
    if len(raw) <= WINDOW_BYTES:
        return [raw]
    starts = [*range(0, len(raw) - WINDOW_BYTES, WINDOW_BYTES), len(raw) - WINDOW_BYTES]
    return [raw[start : start + WINDOW_BYTES] for start in starts]


def _aligned(window: bytes, shift: int, encoded: bytes, *, bits: int) -> bytes:
    """The characters that depend on ``window`` alone, whatever stands before and behind it."""
    return encoded[-(-8 * shift // bits) : 8 * (shift + len(window)) // bits]
