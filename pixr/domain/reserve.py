"""The reserve on chain: who holds it, what it holds, and what the hot treasury may take of it.

    members ──2 of 3──▶ multisig ──owns──▶ token account (wrapped SOL)
                                               └── delegate: the hot treasury, up to its allowance

The accounts are the Token program's own. Nothing here trusts what the database remembers: the
caller compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from solders.pubkey import Pubkey
from solders.token.state import Multisig, TokenAccount, TokenAccountState

from pixr.domain.errors import Malformed
from pixr.domain.lookup_tables import ACCOUNT_OVERHEAD_BYTES, RENT_LAMPORTS_PER_BYTE
from pixr.domain.wallets import SYSTEM_PROGRAM, check_destination

TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 -- an address
WRAPPED_SOL_MINT: Final = "So11111111111111111111111111111111111111112"

MEMBERS: Final = 3
THRESHOLD: Final = 2
"""One member may be lost, and one may be stolen."""

MULTISIG_BYTES: Final = 355
NONCE_BYTES: Final = 80
SEED_CHARACTERS: Final = 32
_NONCE_HEAD: Final = b"\x01\x00\x00\x00\x01\x00\x00\x00"
_NONCE_AUTHORITY: Final = slice(8, 40)
_NONCE_VALUE: Final = slice(40, 72)


MULTISIG_RENT_LAMPORTS: Final = (ACCOUNT_OVERHEAD_BYTES + MULTISIG_BYTES) * RENT_LAMPORTS_PER_BYTE
NONCE_RENT_LAMPORTS: Final = (ACCOUNT_OVERHEAD_BYTES + NONCE_BYTES) * RENT_LAMPORTS_PER_BYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A multisig as the chain has it. Addresses are base58."""

    addresses: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The token account as the chain has it. Addresses are base58."""

    owner: str
    lamports: int
    """Wrapped SOL; its own rent is not counted."""
    delegate: str | None
    allowance_lamports: int
    """What the delegate may still take; 0 without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonce:
    """A durable nonce: whose it is, and the value that a proposal must name to be valid."""

    authority: str
    value: str


def check_members(members: Sequence[str], *, ours: Mapping[str, str]) -> None:
    """Refuse a group that could not hold the reserve against a thief.

    Args:
        members: Addresses as an operator gave them.
        ours: Addresses of this platform, or of whoever pays the fees → what each is, in words.

    Raises:
        Malformed: With the member and the rule that it breaks.
        BadDestination: No outside person can hold the key of a member.
    """
    if len(members) != MEMBERS:
        raise Malformed("member", f"must be given {MEMBERS} times, not {len(members)}")
    if len(set(members)) != MEMBERS:
        raise Malformed("member", "must be another person each time: one is given twice")
    for member in members:
        check_destination(member, ours=ours)


def is_address(text: str) -> bool:
    """Whether a text is 32 bytes in base58."""
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True


def multisig_seed(members: Sequence[str], number: int) -> str:
    """The seed that a multisig's address comes of: the same again for whoever goes on.

    Args:
        members: Their order does not matter.
        number: Counts up where the address before is taken.
    """
    digest = sha256(f"{'/'.join(sorted(members))}/{THRESHOLD}/{number}".encode())
    return digest.hexdigest()[:SEED_CHARACTERS]


def read_multisig(owner: str, data: bytes) -> Members | None:
    """Read an account; None when it is no multisig."""
    if owner != TOKEN_PROGRAM or len(data) != MULTISIG_BYTES:
        return None
    try:
        found = Multisig.from_bytes(data)
    except ValueError:
        return None
    if not found.is_initialized or not 1 <= found.m <= found.n <= len(found.signers):
        return None
    return Members(addresses=tuple(str(key) for key in found.signers[: found.n]), threshold=found.m)


def read_holding(owner: str, data: bytes) -> Holding | None:
    """Read an account; None when it does not hold wrapped SOL in the plain way.

    A close authority would be somebody who can take the money without the owner.
    """
    try:
        found = TokenAccount.from_bytes(data) if owner == TOKEN_PROGRAM else None
    except ValueError:
        return None
    if (
        found is None
        or str(found.mint) != WRAPPED_SOL_MINT
        or found.state != TokenAccountState.Initialized
        or found.is_native is None
        or found.close_authority is not None
    ):
        return None
    return Holding(
        owner=str(found.owner),
        lamports=found.amount,
        delegate=None if found.delegate is None else str(found.delegate),
        allowance_lamports=found.delegated_amount if found.delegate else 0,
    )


def read_nonce(owner: str, data: bytes) -> Nonce | None:
    """Read an account; None when it is no nonce that can be used."""
    if owner != SYSTEM_PROGRAM or len(data) != NONCE_BYTES or not data.startswith(_NONCE_HEAD):
        return None
    return Nonce(
        authority=str(Pubkey.from_bytes(data[_NONCE_AUTHORITY])),
        value=str(Pubkey.from_bytes(data[_NONCE_VALUE])),
    )
