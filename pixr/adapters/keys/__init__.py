"""Key material: the master seed that derives wallets, and the key pair that pays.

Where a key is kept is one text, and its form says which of three back ends answers:

    the key itself in base64          this process; on one machine only (functions/settings.py)
    arn:aws:secretsmanager:…          Secrets Manager; fetched once per container
    arn:aws:kms:…:key/…               KMS; the key never leaves the HSM

All three derive the same addresses, byte for byte. What comes out are objects that derive and
sign; none shows its bytes in ``repr``, ``str``, a pickle or an exception. (solders' own
``Keypair`` prints its secret, so it never leaves this package unwrapped but for the moment of a
signature.)
"""

from pixr.adapters.keys.cloud import is_in_kms, secret_of
from pixr.adapters.keys.quiet import KeysUnreachable
from pixr.adapters.keys.seeds import AnySeed, KmsSeed, MasterSeed
from pixr.adapters.keys.signers import AnySigner, KmsSigner, Signer, signer_of
from pixr.adapters.keys.vault import Vault

__all__ = [
    "AnySeed",
    "AnySigner",
    "KeysUnreachable",
    "KmsSeed",
    "KmsSigner",
    "MasterSeed",
    "Signer",
    "Vault",
    "load_master_seed",
    "load_treasury",
]


def load_master_seed(where: str) -> AnySeed:
    """Find what derives every wallet. Keep the answer for the life of the container.

    Args:
        where: The ARN of a secret with 64 bytes in base64, the ARN of an HMAC_512 key in KMS, or
            the 64 bytes themselves in base64. KMS is first asked when something is derived.

    Raises:
        KeysUnreachable: The secret cannot be read or is not 64 bytes in base64.
    """
    return KmsSeed(where) if is_in_kms(where) else MasterSeed(secret_of(where))


def load_treasury(where: str) -> AnySigner:
    """Find the key pair that pays. Keep the answer for the life of the container.

    Args:
        where: The ARN of a secret with the 64 bytes of the key pair in base64, the ARN of an
            Ed25519 key in KMS, or the 64 bytes themselves in base64.

    Raises:
        KeysUnreachable: The key cannot be read, its halves do not belong together, or it is of
            another kind.
    """
    return KmsSigner(where) if is_in_kms(where) else signer_of(secret_of(where))
