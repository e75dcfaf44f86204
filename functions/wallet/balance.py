"""What a wallet holds on chain and in the ledger, and what is due to it."""

from dataclasses import dataclass
from datetime import datetime

from functions.deposits import observe_deposits
from pixr.adapters.postgres import Database, ledger, wallets
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.domain.errors import WalletMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Sums in lamports."""

    address: str
    on_chain_lamports: int
    available_lamports: int
    reserved_lamports: int
    pending_lamports: int
    paid_lamports: int
    as_of_slot: int | None
    is_stale: bool


def read_balance(db: Database, chain: Solana, user_id: str, *, now: datetime) -> Balance:
    """Look for deposits, then add it all up; without the chain, say what was known last.

    Raises:
        WalletMissing: The user never asked for a wallet.
    """
    wallet = wallets.get(db, user_id)
    if wallet is None:
        raise WalletMissing
    account = f"wallet:{user_id}"
    on_chain_lamports: int | None = None
    slot: int | None = None
    try:
        view = chain.account(wallet.address)
        if view is None:
            # An account that is not there tells no slot: one that was before the look holds for it.
            slot = chain.slot()
            view = chain.account(wallet.address)
        held_lamports = 0 if view is None else view.lamports
        slot = slot if view is None else view.slot
        observe_deposits(
            db,
            chain,
            account=account,
            address=wallet.address,
            held_lamports=held_lamports,
            now=now,
        )
        on_chain_lamports = held_lamports
    except ChainUnreachable:
        pass
    held = ledger.read(db, account)
    totals = wallets.totals(db, user_id)
    is_stale = on_chain_lamports is None
    return Balance(
        address=wallet.address,
        on_chain_lamports=held.posted_lamports if on_chain_lamports is None else on_chain_lamports,
        available_lamports=held.available_lamports,
        reserved_lamports=held.reserved_lamports,
        pending_lamports=totals.pending_lamports,
        paid_lamports=totals.paid_lamports,
        as_of_slot=totals.known_slot if is_stale else slot,
        is_stale=is_stale,
    )
