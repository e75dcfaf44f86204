"""One wallet per user, derived and never stored; and where its money may go.

    MASTER_SEED ──HMAC-SHA512("pixr/wallet/v1/" + user)──▶ 32-byte seed ──Ed25519──▶ address

The version is in the label, so a rotation means new addresses and a sweep, never a silent
change. A destination is judged twice: by its bytes here, and by the account that the chain
has there, both when it is asked for and again before the money is sent.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from pixr.domain.errors import BadDestination, TooSmall
from pixr.domain.money import RENT_EXEMPT_LAMPORTS

DERIVATION_VERSION: Final = 1
MASTER_SEED_BYTES: Final = 64

ESCROW_LABEL: Final = "pixr/escrow/v1"
"""Of the wallet that holds investments until an upgrade is live."""

RECEIPT_LABEL: Final = "pixr/receipt/v1"
"""Of the key that receipts' seeds and leaves' salts come of; it is nobody's wallet."""

WITHDRAWAL_MIN_LAMPORTS: Final = 1_000_000
"""0.001 SOL. The treasury pays 10,000 lamports for each and locks a receipt for a day, so a
wallet must not be able to leave lamport by lamport."""

SYSTEM_PROGRAM: Final = "11111111111111111111111111111111"

RUNTIME_ADDRESSES: Final[Mapping[str, str]] = {
    SYSTEM_PROGRAM: "the System program",
    "1nc1nerator11111111111111111111111111111111": "the incinerator",
    "So11111111111111111111111111111111111111112": "the mint of wrapped SOL",
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "the Token program",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb": "the Token-2022 program",
    "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL": "the Associated Token program",
    "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr": "the Memo program",
    "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo": "the old Memo program",
}
"""Addresses that swallow money and cannot be told by their look alone."""

# Programs and sysvars of the runtime end in a run of ones; a key pair's address does so with
# a probability of 58⁻⁷.
_RUNTIME_LOOK = re.compile(r"1{7}.?$")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")


def wallet_label(user_id: str) -> str:
    """The message that a user's wallet is derived from; the id is used exactly as given."""
    return f"pixr/wallet/v{DERIVATION_VERSION}/{user_id}"


def keypair_of_mac(mac: bytes) -> Keypair:
    """Make the key pair of a label's MAC. Keep it out of logs, answers, exceptions and ``repr``.

    Args:
        mac: HMAC-SHA512 of the label under the master seed, wherever that is kept.
    """
    return Keypair.from_seed(mac[:32])


def derive_keypair(master_seed: bytes, label: str) -> Keypair:
    """Derive the key pair of ``label``. Keep it out of logs, answers, exceptions and ``repr``.

    Args:
        master_seed: ``MASTER_SEED_BYTES`` bytes.
        label: ``wallet_label(…)`` or ``ESCROW_LABEL``.
    """
    assert len(master_seed) == MASTER_SEED_BYTES
    return keypair_of_mac(hmac.digest(master_seed, label.encode(), "sha512"))


def check_destination(address: str, *, ours: Mapping[str, str]) -> None:
    """Refuse an address that no outside person can hold the key of.

    Args:
        address: As the caller gave it.
        ours: Addresses of this platform → what each is, in words.

    Raises:
        BadDestination: With the rule that it breaks.
    """
    if _BASE58.fullmatch(address) is None:
        raise BadDestination(address[:64], "is not 32 bytes in base58 (no 0, O, I or l)")
    try:
        key = Pubkey.from_string(address)
    except ValueError:
        raise BadDestination(address, "is not 32 bytes in base58") from None
    if address in ours:
        raise BadDestination(address, f"is {ours[address]}: withdraw to an address of your own")
    if address in RUNTIME_ADDRESSES:
        raise BadDestination(address, f"is {RUNTIME_ADDRESSES[address]}")
    if _RUNTIME_LOOK.search(address):
        raise BadDestination(address, "is a program or a sysvar of the runtime")
    if not key.is_on_curve():
        raise BadDestination(address, "is not on the curve: nobody can hold a key for it")


def check_destination_account(
    address: str, *, owner: str, is_executable: bool, data_bytes: int
) -> None:
    """Refuse an account on chain that is more than a plain wallet.

    Args:
        address: For the refusal.
        owner: Program that owns the account, base58.
        is_executable: Whether it is a program.
        data_bytes: How much data it holds.

    Raises:
        BadDestination: It is a program, holds data, or belongs to one.
    """
    if is_executable:
        raise BadDestination(address, "is a program")
    if owner != SYSTEM_PROGRAM:
        raise BadDestination(address, f"belongs to the program {owner}, not to a person")
    if data_bytes:
        raise BadDestination(address, "holds data (a nonce account, for one): not a plain wallet")


def check_withdrawal(lamports: int) -> None:
    """Refuse what is not worth its own transaction.

    Raises:
        TooSmall: Less than ``WITHDRAWAL_MIN_LAMPORTS``.
    """
    if lamports < WITHDRAWAL_MIN_LAMPORTS:
        raise TooSmall(lamports, WITHDRAWAL_MIN_LAMPORTS, "that is the least one can withdraw")


def check_arrival(address: str, lamports: int, *, present_lamports: int) -> None:
    """Refuse an amount that the chain would not let arrive.

    Raises:
        BadDestination: The account would hold less than its rent.
    """
    if present_lamports + lamports < RENT_EXEMPT_LAMPORTS:
        raise BadDestination(
            address,
            f"holds {present_lamports} lamports; the chain wants it to hold at least "
            f"{RENT_EXEMPT_LAMPORTS} after the transfer",
        )
