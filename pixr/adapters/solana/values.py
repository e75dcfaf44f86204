"""What the chain says, once a reader has looked at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

GENESIS_HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mainnet-beta": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
        "devnet": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
        "testnet": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
    }
)
"""Network → the hash of its first block. Of localnet there are as many as machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A finalized account as of ``slot``. ``owner`` is base58."""

    lamports: int
    owner: str
    is_executable: bool
    data_bytes: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContent:
    """A finalized account with all of its bytes, as of ``slot``. ``owner`` is base58."""

    lamports: int
    owner: str
    data: bytes
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blockhash:
    """What a transaction is signed against, and until when it can land."""

    hash: str
    slot: int
    last_valid_block_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRecord:
    """One finalized transaction that touched an address."""

    signature: str
    slot: int
    is_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the nodes together list of an address's finalized past after a known signature."""

    records: tuple[SignatureRecord, ...]
    """Oldest first: all that any node lists whose list joins on to the known signature."""
    strays: tuple[SignatureRecord, ...]
    """Newest first: what only a node lists that lags, forgets, or stops short of the known
    signature. Some of it may be older than that."""
    gap: str | None
    """Why no list joins on, so that ``records`` is empty; None: one does."""
    settled: int
    """So many of ``records``, from the oldest, are passed by the lists of two nodes, or of the only
    one that is configured: nothing is missing among them unless both lack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an address holds by the word of one node, as of a finalized slot."""

    lamports: int
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionView:
    """One finalized transaction as the chain kept it."""

    signature: str
    slot: int
    error: str | None
    """The transaction error as JSON; None when it succeeded."""
    fee_lamports: int
    raw: bytes
    accounts: tuple[str, ...]
    """The message's own keys, the payer first, then what its lookup tables added."""
    changes: Mapping[str, int]
    """Lamports that it added to each of the accounts; negative: took, the fee included."""
