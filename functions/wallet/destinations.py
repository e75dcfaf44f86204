"""Where money may go to: not to us, and not to where nobody could ever spend it."""

from collections.abc import Mapping

from pixr.adapters.postgres import Database, reserve, wallets
from pixr.adapters.solana import Solana
from pixr.domain.errors import BadDestination, WalletMissing
from pixr.domain.wallets import check_destination, check_destination_account


def check_outside(
    db: Database, user_id: str, destination: str, *, house: Mapping[str, str]
) -> None:
    """Judge an address by its bytes, and by whether it is one of ours.

    Args:
        db: Knows the wallets of all users.
        user_id: Whose own wallet is called so.
        destination: As the caller gave it.
        house: Addresses of the house → what each is, in words.

    Raises:
        WalletMissing: The user never asked for a wallet.
        BadDestination: Money sent there would be lost or is not allowed.
    """
    wallet = wallets.get(db, user_id)
    if wallet is None:
        raise WalletMissing
    ours = {wallet.address: "your own wallet here", **house, **reserve.addresses(db)}
    check_destination(destination, ours=ours)
    if wallets.is_ours(db, destination):
        raise BadDestination(destination, "is a wallet of this platform, not an outside one")


def check_on_chain(chain: Solana, destination: str) -> int:
    """Judge the account that the chain has there, and return what it holds.

    Raises:
        BadDestination: It is more than a plain wallet.
        ChainUnreachable: Nobody can say.
    """
    view = chain.account(destination)
    if view is None:
        return 0
    check_destination_account(
        destination,
        owner=view.owner,
        is_executable=view.is_executable,
        data_bytes=view.data_bytes,
    )
    return view.lamports
