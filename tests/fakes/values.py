"""What the runtime of the fake works on: accounts, the moment, and how an instruction fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from tests.fakes.wire import SYSTEM

RENT_LAMPORTS_PER_BYTE: Final = 6_960
ACCOUNT_OVERHEAD_BYTES: Final = 128


class NotImitated(Exception):
    """The fake was sent something that it does not know how to run: teach it first."""


class Stop(Exception):
    """An instruction failed; ``cause`` is the instruction error in JSON form."""

    def __init__(self, cause: Any) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that exists: it holds at least one lamport."""

    lamports: int
    owner: str = SYSTEM
    data: bytes = b""
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a transaction runs, as programs can tell."""

    slot: int
    is_recent_slot: Callable[[int], bool]
    """Whether a slot has one of the 512 newest blocks below this one."""


BEGINNING: Final = Moment(slot=0, is_recent_slot=lambda _: False)


def rent_exempt_lamports(data_bytes: int) -> int:
    """The least that an account of that size may hold, other than nothing."""
    return (ACCOUNT_OVERHEAD_BYTES + data_bytes) * RENT_LAMPORTS_PER_BYTE


def u64(data: bytes, offset: int) -> int:
    """Read a number of eight bytes."""
    if len(data) < offset + 8:
        raise Stop("InvalidInstructionData")
    return int.from_bytes(data[offset : offset + 8], "little")


def address(data: bytes, offset: int) -> tuple[str, int]:
    """Read an address; it, and where it ends."""
    if len(data) < offset + 32:
        raise Stop("InvalidInstructionData")
    return str(Pubkey.from_bytes(data[offset : offset + 32])), offset + 32


def text(data: bytes, offset: int) -> tuple[str, int]:
    """Read a string with its length before it; it, and where it ends."""
    end = offset + 8 + u64(data, offset)
    return data[offset + 8 : end].decode(), end
