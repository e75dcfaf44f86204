"""Instructions as people read them: the ``jsonParsed`` form, where that is cheap.

Parsed are the memo programs and those instructions of the System program that
move SOL. Any other instruction is given as Agave gives one without a parser:
program, accounts, data.

Source:
    https://github.com/anza-xyz/agave/blob/master/transaction-status/src/parse_system.rs
"""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from pixr.local.chain import base58

SYSTEM: Final = "11111111111111111111111111111111"
MEMO_PROGRAMS: Final = {
    "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo": "v1",
    "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr": "v2",
}


class SystemTag(IntEnum):
    """The first four bytes of a System instruction."""

    CREATE_ACCOUNT = 0
    TRANSFER = 2
    CREATE_ACCOUNT_WITH_SEED = 3
    TRANSFER_WITH_SEED = 11


def parsed_instruction(compiled: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Render a compiled instruction for people.

    Args:
        compiled: With ``programIdIndex``, ``accounts``, ``data`` and ``stackHeight``.
        keys: The addresses that the indexes mean.
    """
    program = keys[compiled["programIdIndex"]]
    accounts = [keys[index] for index in compiled["accounts"]]
    data = base58.decode(compiled["data"])
    head = {"programId": program, "stackHeight": compiled["stackHeight"]}
    if program in MEMO_PROGRAMS:
        return head | {"program": "spl-memo", "parsed": data.decode(errors="replace")}
    if program == SYSTEM:
        parsed = _parsed_system(data, accounts)
        if parsed is not None:
            kind, info = parsed
            return head | {"program": "system", "parsed": {"type": kind, "info": info}}
    return head | {"accounts": accounts, "data": compiled["data"]}


def _parsed_system(data: bytes, accounts: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    try:
        (tag,) = struct.unpack_from("<I", data)
        return _parsed_by_tag(tag, data, accounts)
    except (struct.error, IndexError, UnicodeDecodeError):
        return None  # malformed: shown raw, as Agave does when its parser fails


def _parsed_by_tag(
    tag: int, data: bytes, accounts: Sequence[str]
) -> tuple[str, dict[str, Any]] | None:
    match tag:
        case SystemTag.TRANSFER:
            (lamports,) = struct.unpack_from("<Q", data, 4)
            return "transfer", {
                "source": accounts[0],
                "destination": accounts[1],
                "lamports": lamports,
            }
        case SystemTag.CREATE_ACCOUNT:
            lamports, space = struct.unpack_from("<QQ", data, 4)
            return "createAccount", {
                "source": accounts[0],
                "newAccount": accounts[1],
                "lamports": lamports,
                "space": space,
                "owner": _address(data, 20),
            }
        case SystemTag.CREATE_ACCOUNT_WITH_SEED:
            seed, offset = _text(data, 36)
            lamports, space = struct.unpack_from("<QQ", data, offset)
            return "createAccountWithSeed", {
                "source": accounts[0],
                "newAccount": accounts[1],
                "base": _address(data, 4),
                "seed": seed,
                "lamports": lamports,
                "space": space,
                "owner": _address(data, offset + 16),
            }
        case SystemTag.TRANSFER_WITH_SEED:
            (lamports,) = struct.unpack_from("<Q", data, 4)
            seed, offset = _text(data, 12)
            return "transferWithSeed", {
                "source": accounts[0],
                "sourceBase": accounts[1],
                "destination": accounts[2],
                "lamports": lamports,
                "sourceSeed": seed,
                "sourceOwner": _address(data, offset),
            }
        case _:
            return None


def _address(data: bytes, offset: int) -> str:
    if len(data) < offset + 32:
        raise IndexError(offset)
    return base58.encode(data[offset : offset + 32])


def _text(data: bytes, offset: int) -> tuple[str, int]:
    """Read a string with its 8-byte length; give it and where it ends."""
    (length,) = struct.unpack_from("<Q", data, offset)
    end = offset + 8 + length
    return data[offset + 8 : end].decode(), end
