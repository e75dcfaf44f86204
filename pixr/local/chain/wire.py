"""A transaction as it arrives: decoded, measured and taken apart, but not yet believed.

A packet on Solana's network holds 1,232 bytes and nothing larger can ever land,
so the limit is checked before anything else is read. A v1 message (SIMD-0385) may be larger;
it is taken only where the chain was started to take them, because mainnet may not.

Source:
    https://github.com/anza-xyz/agave/blob/master/rpc/src/rpc.rs (decode_and_deserialize)
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.hash import Hash
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import SanitizeError, TransactionError, VersionedTransaction

from pixr.local.chain import base58
from pixr.local.chain.errors import invalid_params

PACKET_BYTES_MAX: Final = 1232
V1_BYTES_MAX: Final = 4096
V1_FIRST_BYTE: Final = 0x81
V1_BASE64_CHARACTERS_MAX: Final = 5464
V1_BASE64_PREFIX: Final = "gQ"
"""How the first byte of a v1 transaction looks in base64."""

BASE58_CHARACTERS_MAX: Final = 1683
BASE64_CHARACTERS_MAX: Final = 1644
COMPUTE_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")

AnyMessage: TypeAlias = Message | MessageV0 | MessageV1

_RUST_TYPE: Final = "solana_transaction::versioned::VersionedTransaction"
_SET_PRICE_TAG: Final = 3
_SET_PRICE_BYTES: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class WireTransaction:
    """One transaction and the exact bytes it came in."""

    wire_bytes: bytes
    transaction: VersionedTransaction
    signature: Signature
    """The fee payer's, which names the transaction."""
    price_microlamports: int
    """Bid per compute unit; 0 when the message sets none."""

    @property
    def message(self) -> AnyMessage:
        """What the signers signed."""
        return readable_message(self.transaction.message)

    @property
    def blockhash(self) -> Hash:
        """The recent blockhash that bounds the life of this transaction."""
        return self.message.recent_blockhash

    def verified_message_hash(self) -> Hash | None:
        """Check every signature.

        Returns:
            The hash of the message, by which a validator recognises a repeat,
            or None when a signature does not verify.
        """
        try:
            return self.transaction.verify_and_hash_message()
        except TransactionError:
            return None


def readable_message(message: object) -> AnyMessage:
    """Narrow to the message formats that there are."""
    if isinstance(message, Message | MessageV0 | MessageV1):
        return message
    raise invalid_params(f"failed to deserialize {_RUST_TYPE}: unsupported message version")


def decode_transaction(text: str, encoding: str, *, takes_v1: bool = False) -> WireTransaction:
    """Decode what a client sent.

    Args:
        text: The transaction in ``encoding``.
        encoding: ``base58`` or ``base64``.
        takes_v1: Take v1 messages as well, in base64 only.

    Raises:
        RpcError: -32602 with a validator's own sentence.
    """
    is_v1 = takes_v1 and encoding == "base64" and text.startswith(V1_BASE64_PREFIX)
    wire_bytes = _decode_v1(text) if is_v1 else decode_bytes(text, encoding)
    try:
        transaction = VersionedTransaction.from_bytes(wire_bytes)
        transaction.sanitize()
    except (ValueError, SanitizeError) as error:
        raise invalid_params(f"failed to deserialize {_RUST_TYPE}: {error}") from error
    if isinstance(transaction.message, MessageV1) and not is_v1:
        raise invalid_params(f"failed to deserialize {_RUST_TYPE}: unsupported message version")
    return from_transaction(transaction, wire_bytes)


def _decode_v1(text: str) -> bytes:
    if len(text) > V1_BASE64_CHARACTERS_MAX:
        raise invalid_params(f"base64 encoded {_RUST_TYPE} too large: {len(text)} bytes")
    try:
        wire_bytes = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise invalid_params(f"invalid base64 encoding: {error}") from error
    if len(wire_bytes) > V1_BYTES_MAX:
        raise invalid_params(
            f"decoded {_RUST_TYPE} too large: {len(wire_bytes)} bytes (max: {V1_BYTES_MAX} bytes)"
        )
    return wire_bytes


def from_transaction(transaction: VersionedTransaction, wire_bytes: bytes) -> WireTransaction:
    """Take an already decoded transaction apart."""
    return WireTransaction(
        wire_bytes=wire_bytes,
        transaction=transaction,
        signature=transaction.signatures[0],
        price_microlamports=_price_microlamports(readable_message(transaction.message)),
    )


def decode_bytes(text: str, encoding: str) -> bytes:
    """Decode ``text`` and enforce the packet size.

    Raises:
        RpcError: -32602; too long, or not in ``encoding`` at all.
    """
    limits = {"base58": BASE58_CHARACTERS_MAX, "base64": BASE64_CHARACTERS_MAX}
    if encoding not in limits:
        raise invalid_params(
            f"unsupported encoding: {encoding}. Supported encodings: base58, base64"
        )
    if len(text) > limits[encoding]:
        raise invalid_params(
            f"{encoding} encoded {_RUST_TYPE} too large: {len(text)} bytes "
            f"(max: encoded/raw {limits[encoding]}/{PACKET_BYTES_MAX})"
        )
    try:
        if encoding == "base58":
            wire_bytes = base58.decode(text)
        else:
            wire_bytes = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise invalid_params(f"invalid {encoding} encoding: {error}") from error
    if len(wire_bytes) > PACKET_BYTES_MAX:
        raise invalid_params(
            f"decoded {_RUST_TYPE} too large: {len(wire_bytes)} bytes "
            f"(max: {PACKET_BYTES_MAX} bytes)"
        )
    return wire_bytes


def writable_flags(message: AnyMessage) -> Sequence[bool]:
    """Say for each static account key whether the message asks to write it."""
    header = message.header
    key_count = len(message.account_keys)
    signer_count = header.num_required_signatures
    return [
        index < signer_count - header.num_readonly_signed_accounts
        if index < signer_count
        else index < key_count - header.num_readonly_unsigned_accounts
        for index in range(key_count)
    ]


def _price_microlamports(message: AnyMessage) -> int:
    keys = message.account_keys
    for instruction in message.instructions:
        data = instruction.data
        if (
            len(data) == _SET_PRICE_BYTES
            and data[0] == _SET_PRICE_TAG
            and keys[instruction.program_id_index] == COMPUTE_BUDGET
        ):
            return int.from_bytes(data[1:], "little")
    return 0
