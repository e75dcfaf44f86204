"""The master seed, in this process or in KMS, and everything that is derived from it.

    MAC = HMAC-SHA512(master seed, label)     the first 32 bytes are a wallet's Ed25519 seed

In KMS the master seed never leaves the HSM; a *derived* seed does, and is in this process for as
long as its signer is held: the milliseconds of a signature.
"""

import hmac
from abc import ABC, abstractmethod
from typing import Final, TypeAlias, final

from pixr.adapters.keys.cloud import failures_of, kms_of
from pixr.adapters.keys.quiet import KeysUnreachable, Quiet
from pixr.adapters.keys.signers import Signer
from pixr.domain.wallets import (
    ESCROW_LABEL,
    MASTER_SEED_BYTES,
    RECEIPT_LABEL,
    keypair_of_mac,
    wallet_label,
)

MAC_BYTES: Final = 64
RECEIPT_KEY_BYTES: Final = 32


class _Seed(Quiet, ABC):
    """Derives by one MAC a label, wherever that is made."""

    __slots__ = ()

    @abstractmethod
    def _mac(self, label: str) -> bytes:
        """HMAC-SHA512 of the label under the master seed."""

    def wallet(self, user_id: str) -> Signer:
        """The wallet of a user, derived anew each time.

        Raises:
            KeysUnreachable: KMS holds the seed and does not answer or refuses.
        """
        return Signer(keypair_of_mac(self._mac(wallet_label(user_id))))

    def escrow(self) -> Signer:
        """The wallet that holds investments until their upgrade is live.

        Raises:
            KeysUnreachable: KMS holds the seed and does not answer or refuses.
        """
        return Signer(keypair_of_mac(self._mac(ESCROW_LABEL)))

    def receipt_key(self) -> bytes:
        """What keys the receipts' seeds and the leaves' salts, so that nobody can guess them.

        Raises:
            KeysUnreachable: KMS holds the seed and does not answer or refuses.
        """
        return self._mac(RECEIPT_LABEL)[:RECEIPT_KEY_BYTES]


@final
class MasterSeed(_Seed):
    """The 64 bytes themselves, in memory: a wallet takes about 0.1 ms and asks nobody."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) != MASTER_SEED_BYTES:
            raise KeysUnreachable(f"the master seed must have {MASTER_SEED_BYTES} bytes")
        self._seed = seed

    def _mac(self, label: str) -> bytes:
        return hmac.digest(self._seed, label.encode(), "sha512")


@final
class KmsSeed(_Seed):
    """An HMAC_512 key in KMS whose imported material is the master seed: one call a wallet."""

    __slots__ = ("_arn", "_kms")

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._kms = kms_of(arn)

    def _mac(self, label: str) -> bytes:
        with failures_of(self._arn):
            mac = self._kms.generate_mac(
                KeyId=self._arn, MacAlgorithm="HMAC_SHA_512", Message=label.encode()
            )["Mac"]
        if len(mac) != MAC_BYTES:
            raise KeysUnreachable(f"{self._arn}: a MAC of {len(mac)} bytes, not {MAC_BYTES}")
        return mac


AnySeed: TypeAlias = MasterSeed | KmsSeed
