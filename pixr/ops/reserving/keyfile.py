"""A key in a file, as the solana command line writes it: a JSON array of 64 numbers."""

from __future__ import annotations

import json
from pathlib import Path

from pixr.adapters.keys import KeysUnreachable, Signer
from pixr.adapters.keys.signers import KEYPAIR_BYTES, signer_of
from pixr.local.errors import LocalError
from pixr.ops import places

BYTES_MAX = 1_024
MEND = "It must be what `pixr treasury keygen` writes, or `solana-keygen`: an array of 64 numbers."


def read(path: Path) -> Signer:
    """Read a key pair; nothing of it is ever shown.

    Raises:
        LocalError: The file cannot be read or holds no key pair.
    """
    secret = _bytes(places.read(str(path), bytes_max=BYTES_MAX))
    if secret is not None:
        try:
            return signer_of(secret)
        except KeysUnreachable:
            pass
    # Raised out here: the context would carry the secret.
    raise LocalError(f"{path} holds no key pair.", mend=MEND)


def _bytes(text: str) -> bytes | None:
    try:
        numbers = json.loads(text)
        return bytes(numbers) if len(numbers) == KEYPAIR_BYTES else None
    except (ValueError, TypeError, RecursionError):
        return None
