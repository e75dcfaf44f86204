"""Small secrets of users, sealed by KMS so that the database alone opens none of them.

The user's id is the encryption context: what was sealed for one user cannot be opened as another's,
whoever moves rows about, and each use stands in CloudTrail with the user's name.
"""

from typing import Final, final

from pixr.adapters.keys.cloud import failures_of, kms_of
from pixr.adapters.keys.quiet import Quiet

CONTEXT: Final = "user_id"


@final
class Vault(Quiet):
    """A symmetric key in KMS: one call to seal, one to open."""

    __slots__ = ("_arn", "_kms")

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._kms = kms_of(arn)

    def seal(self, secret: bytes, *, user_id: str) -> bytes:
        """Seal up to 4,096 bytes for one user.

        Raises:
            KeysUnreachable: KMS does not answer or refuses.
        """
        with failures_of(self._arn):
            return self._kms.encrypt(
                KeyId=self._arn, Plaintext=secret, EncryptionContext={CONTEXT: user_id}
            )["CiphertextBlob"]

    def open(self, sealed: bytes, *, user_id: str) -> bytes:
        """Open what was sealed for this user.

        Raises:
            KeysUnreachable: KMS does not answer or refuses: another key, another user, or not
                the bytes that it once gave.
        """
        with failures_of(self._arn):
            return self._kms.decrypt(
                KeyId=self._arn, CiphertextBlob=sealed, EncryptionContext={CONTEXT: user_id}
            )["Plaintext"]
