"""What the chain says of a planned batch's accounts, before it is signed.

A destination that turned into a program, holds data, or would stay below the rent-exempt
minimum would fail everybody's payment, and so would a wallet that is left with dust. Such a
payout is put aside now, without a fee. A lookup table that a node does not show as it is booked
is not used. All of it is decided from one look at the accounts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from functions.batch.drafts import Cargo
from pixr.adapters.solana import AccountContent, AccountView
from pixr.domain import extensions, lookup_tables
from pixr.domain.lookup_tables import Content, NotATable
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import SYSTEM_PROGRAM, TRAVELS_ALONE

Views = Mapping[str, AccountView | None]
Contents = Mapping[str, AccountContent | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What keeps a batch from being signed; all empty: nothing."""

    poison: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Payouts to put aside, with the reason."""
    is_stale: bool = False
    """A reclaim whose receipts, or a batch whose table, are not as planned: plan it anew."""
    contradiction: str | None = None
    """Nobody can tell what happened: a person must look."""
    table_doubt: str | None = None
    """Why the batch's lookup table must not be used for now."""

    @property
    def is_clear(self) -> bool:
        """The batch may be signed."""
        return not self.poison and not self.is_stale and self.contradiction is None


def addresses(cargo: Cargo, source: str) -> list[str]:
    """The accounts to look at for one batch."""
    found = [source, *(payout.destination for payout in cargo.payouts)]
    found += [item.receipt_address for item in cargo.receipts]
    if cargo.batch.receipt_address is not None:
        found.append(cargo.batch.receipt_address)
    return found


def examine(cargo: Cargo, source: str, views: Views, contents: Contents) -> Finding:
    """Judge one batch by its accounts.

    Args:
        cargo: The batch.
        source: The address the lamports leave.
        views: Every account of ``addresses``.
        contents: Every lookup table that is named, with its entries.
    """
    if cargo.batch.kind == "reclaim":
        return Finding(is_stale=not all(_is_full(cargo, views)))
    receipt = cargo.batch.receipt_address
    assert receipt is not None
    if views[receipt] is not None:
        return Finding(
            contradiction=f"receipt {receipt} exists though no attempt is known to have landed"
        )
    if cargo.table is not None:
        view = views[source]
        found = _table(cargo, source, contents, slot=view.slot if view else 0)
        if not found.is_clear:
            return found
    if cargo.batch.kind in TRAVELS_ALONE:
        view = views[source]
        if reason := _dust(view.lamports if view else 0, cargo.batch.lamports):
            return Finding(poison={payout.id: reason for payout in cargo.payouts})
    return Finding(poison=_poison(cargo, views))


def _table(cargo: Cargo, authority: str, contents: Contents, *, slot: int) -> Finding:
    """Judge the lookup table that a payment reads or an extension writes, as of ``slot``."""
    table, extension = cargo.table, cargo.extension
    assert table is not None
    account = contents[table.address]
    content: Content | None = None
    try:
        if account is not None:
            content = lookup_tables.read(account.owner, account.data)
            reason = lookup_tables.contradiction(content, table, authority=authority)
        else:
            reason = None
    except NotATable as fault:
        reason = str(fault)
    if reason is not None:
        said = f"lookup table {table.address}: {reason}"
        return Finding(contradiction=said, table_doubt=reason)
    if extension is not None and extension.first_position == 0:
        is_old = slot - extension.recent_slot > extensions.RECENT_SLOTS
        return Finding(is_stale=is_old or bool(content and content.addresses))
    if lookup_tables.is_short(content, table):
        return Finding(is_stale=True, table_doubt="a node does not show what is booked as final")
    if extension is not None and content is not None:
        return Finding(is_stale=len(content.addresses) != extension.first_position)
    return Finding()


def _is_full(cargo: Cargo, views: Views) -> Sequence[bool]:
    return [
        view is not None and view.lamports == item.lamports and view.owner == str(SYSTEM_PROGRAM)
        for item in cargo.receipts
        for view in (views[item.receipt_address],)
    ]


def _poison(cargo: Cargo, views: Views) -> dict[UUID, str]:
    arriving: dict[str, int] = {}
    for payout in cargo.payouts:
        arriving[payout.destination] = arriving.get(payout.destination, 0) + payout.lamports
    return {
        payout.id: reason
        for payout in cargo.payouts
        if (reason := _unpayable(views[payout.destination], arriving[payout.destination]))
    }


def _dust(held_lamports: int, leaving_lamports: int) -> str | None:
    """Why a wallet cannot let go of ``leaving_lamports``, as the chain would put it."""
    left = held_lamports - leaving_lamports
    if left == 0 or left >= RENT_EXEMPT_LAMPORTS:
        return None
    return (
        f"the wallet holds {held_lamports} lamports now and would be left with {left};"
        f" 0 or at least {RENT_EXEMPT_LAMPORTS} may stay"
    )


def _unpayable(view: AccountView | None, lamports: int) -> str | None:
    if view is None:
        if lamports < RENT_EXEMPT_LAMPORTS:
            return f"{lamports} lamports cannot open an account; {RENT_EXEMPT_LAMPORTS} can"
        return None
    if view.is_executable:
        return "the destination is a program"
    if view.owner != str(SYSTEM_PROGRAM) or view.data_bytes:
        return f"the destination is an account of {view.owner}"
    return None
