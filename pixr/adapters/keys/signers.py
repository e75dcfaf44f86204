"""One key pair each, in this process or in KMS: an address for everybody, a signature for us."""

from contextlib import suppress
from typing import Final, TypeAlias, final

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from pixr.adapters.keys.cloud import failures_of, kms_of
from pixr.adapters.keys.quiet import KeysUnreachable, Quiet

KEYPAIR_BYTES: Final = 64
SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 32
KEY_SPEC: Final = "ECC_NIST_EDWARDS25519"

_DER_HEAD: Final = bytes.fromhex("302a300506032b6570032100")
"""SubjectPublicKeyInfo of Ed25519 (RFC 8410): sequence, algorithm, bit string; the key follows."""


@final
class Signer(Quiet):
    """A key pair in memory."""

    __slots__ = ("_keypair", "address")

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair
        self.address: Final = str(keypair.pubkey())
        """Base58 of the public key; worked out once, which takes as long as half a signature."""

    def sign(self, message: bytes) -> Signature:
        """Sign the bytes of a transaction's message."""
        return self._keypair.sign_message(message)


@final
class KmsSigner(Quiet):
    """An Ed25519 key in KMS: one call a signature, and the private key never leaves the HSM."""

    __slots__ = ("_arn", "_kms", "_public_key", "address")

    def __init__(self, arn: str) -> None:
        """Ask for the public key, once.

        Raises:
            KeysUnreachable: KMS does not answer or refuses, or the key is of another kind.
        """
        self._arn = arn
        self._kms = kms_of(arn)
        with failures_of(arn):
            answer = self._kms.get_public_key(KeyId=arn)
            key_spec, der = answer["KeySpec"], answer["PublicKey"]
        if key_spec != KEY_SPEC:
            raise KeysUnreachable(f"{arn}: its key spec is {key_spec}, not {KEY_SPEC}")
        if not der.startswith(_DER_HEAD) or len(der) != len(_DER_HEAD) + PUBLIC_KEY_BYTES:
            raise KeysUnreachable(f"{arn}: its public key is not one of Ed25519")
        self._public_key = Pubkey.from_bytes(der[len(_DER_HEAD) :])
        self.address: Final = str(self._public_key)
        """Base58 of the public key."""

    def sign(self, message: bytes) -> Signature:
        """Have KMS sign the bytes of a transaction's message; a signature is checked before use.

        Args:
            message: At most 4,096 bytes, which is what KMS takes; a transaction has 1,232.

        Raises:
            KeysUnreachable: KMS does not answer or refuses, or what it gave does not verify.
        """
        with failures_of(self._arn):
            given = self._kms.sign(
                KeyId=self._arn,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm="ED25519_SHA_512",
            )["Signature"]
        if len(given) == SIGNATURE_BYTES:
            signature = Signature.from_bytes(given)
            if signature.verify(self._public_key, message):
                return signature
        raise KeysUnreachable(f"{self._arn}: its signature does not verify")


AnySigner: TypeAlias = Signer | KmsSigner


def signer_of(secret: bytes) -> Signer:
    """Make a signer of the 64 bytes of a key pair.

    Raises:
        KeysUnreachable: They are not 64, or the halves do not belong together.
    """
    with suppress(ValueError):
        return Signer(Keypair.from_bytes(secret))
    # Raised out here: no context, no secret.
    raise KeysUnreachable(f"the treasury key is not a key pair of {KEYPAIR_BYTES} bytes")
