"""Get the caller's wallet, or make it at the first call."""

from datetime import datetime

from pixr.adapters.keys import AnySeed
from pixr.adapters.postgres import Database, wallets
from pixr.adapters.postgres.wallets import Wallet
from pixr.domain.wallets import DERIVATION_VERSION


def open_wallet(db: Database, seed: AnySeed, user_id: str, *, now: datetime) -> Wallet:
    """Derive the address and pin it; repeating it changes nothing.

    Derived each time on purpose: a wrong seed is found here, before anybody sends money to
    an address that we could not sign for.

    Raises:
        KeysUnreachable: KMS keeps the seed and does not answer or refuses.
        WalletChanged: The seed does not derive the address that is pinned.
    """
    address = seed.wallet(user_id).address
    return wallets.pin(db, user_id, address, version=DERIVATION_VERSION, now=now)
