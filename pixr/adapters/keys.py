"""Key material: fetched once per container, held as briefly and quietly as can be.

A secret travels as a Secrets Manager ARN and is read here. What comes out are objects that
derive and sign; none shows its bytes in ``repr``, ``str``, a pickle or an exception.
(solders' own ``Keypair`` prints its secret, so it never leaves this module unwrapped but for
the moment of a signature.)
"""

import base64
import binascii
import hmac
from typing import Final, NoReturn, final

from solders.keypair import Keypair
from solders.signature import Signature

from pixr.domain.errors import Outage
from pixr.domain.wallets import ESCROW_LABEL, MASTER_SEED_BYTES, derive_keypair, wallet_label

KEYPAIR_BYTES: Final = 64
RECEIPT_KEY_BYTES: Final = 32
CONNECT_TIMEOUT_S: Final = 3
READ_TIMEOUT_S: Final = 5


class KeysUnreachable(Outage):
    """Secrets Manager did not give the secret, or what it gave is not a key. Names no value."""

    part = "key store"


class _Quiet:
    """Shows its type and nothing else, and refuses to be copied into a pickle."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not to be serialised")


@final
class Signer(_Quiet):
    """One key pair: an address for everybody, a signature for the settler."""

    __slots__ = ("_keypair", "address")

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair
        self.address: Final = str(keypair.pubkey())
        """Base58 of the public key; worked out once, which takes as long as half a signature."""

    def sign(self, message: bytes) -> Signature:
        """Sign the bytes of a transaction's message."""
        return self._keypair.sign_message(message)


@final
class MasterSeed(_Quiet):
    """The 64 bytes that every wallet is derived from."""

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) != MASTER_SEED_BYTES:
            raise KeysUnreachable(f"the master seed must have {MASTER_SEED_BYTES} bytes")
        self._seed = seed

    def wallet(self, user_id: str) -> Signer:
        """The wallet of a user, derived anew each time: about 0.1 ms."""
        return Signer(derive_keypair(self._seed, wallet_label(user_id)))

    def escrow(self) -> Signer:
        """The wallet that holds investments until their upgrade is live."""
        return Signer(derive_keypair(self._seed, ESCROW_LABEL))

    def receipt_key(self) -> bytes:
        """What keys the receipts' seeds and the leaves' salts, so that nobody can guess them."""
        return hmac.digest(self._seed, b"pixr/receipt/v1", "sha512")[:RECEIPT_KEY_BYTES]


def load_master_seed(arn: str) -> MasterSeed:
    """Fetch MASTER_SEED (64 bytes, base64). Keep the answer for the life of the container.

    Raises:
        KeysUnreachable: The secret cannot be read or is not 64 bytes in base64.
    """
    return MasterSeed(_fetch(arn))


def load_treasury(arn: str) -> Signer:
    """Fetch TREASURY_PRIVATE_KEY (the 64 bytes of the key pair, base64).

    Raises:
        KeysUnreachable: The secret cannot be read, or its halves do not belong together.
    """
    secret = _fetch(arn)
    try:
        return Signer(Keypair.from_bytes(secret))
    except ValueError:
        raise KeysUnreachable(
            f"the treasury key is not a key pair of {KEYPAIR_BYTES} bytes"
        ) from None


def _fetch(arn: str) -> bytes:
    import boto3  # noqa: PLC0415 -- a second of CPU that only cold starts with keys pay
    from botocore.config import Config  # noqa: PLC0415 -- as above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as above

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    try:
        # The region is in the ARN: arn:aws:secretsmanager:<region>:<account>:secret:<name>.
        region = arn.split(":")[3]
        client = boto3.client("secretsmanager", region_name=region, config=config)  # pyright: ignore[reportUnknownMemberType] -- stubs of other services are not installed
        text = client.get_secret_value(SecretId=arn)["SecretString"]
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise KeysUnreachable(f"{arn}: {code}") from None
    except (BotoCoreError, KeyError) as error:
        raise KeysUnreachable(f"{arn}: {type(error).__name__}") from None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        # Not chained: the cause would carry a piece of the secret.
        raise KeysUnreachable(f"{arn}: the secret is not base64") from None
