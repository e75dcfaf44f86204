"""What the wallet function takes and gives, field by field."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from functions.values import Amount, AmountRequest, Moment


class TwoFactor(BaseModel):
    """Whether money out asks for a second factor, and whether the caller has one."""

    required: bool
    enrolled: bool


class WalletView(BaseModel):
    """The caller's wallet."""

    user_id: str
    address: str
    created_at: Moment
    network: str
    explorer_url: str
    two_factor: TwoFactor


class BalanceView(BaseModel):
    """What is on chain and what is due."""

    address: str
    on_chain: Amount
    """Finalized, as of ``as_of_slot``."""
    available: Amount
    """What can be withdrawn or invested now."""
    reserved: Amount
    """Promised to withdrawals and investments that are not final yet."""
    pending_earnings: Amount
    """Earned and not yet on chain."""
    paid_total: Amount
    """Earnings and returns that were ever paid."""
    as_of_slot: int | None
    stale: bool
    """True when the chain did not answer: ``on_chain`` is then what was known last."""


class WithdrawRequest(AmountRequest):
    """How much, and where to."""

    destination: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class WithdrawalAccepted(BaseModel):
    """The withdrawal is reserved and will be sent; follow it by its id."""

    withdrawal_id: str
    state: str
    destination: str
    amount: Amount
    fee: Amount
    """What the caller pays for the transfer: nothing, the treasury does."""
    created_at: Moment


class WithdrawalView(WithdrawalAccepted):
    """Where a withdrawal stands: PENDING → RESERVED → PAID, or QUARANTINED with the reason."""

    signature: str | None
    explorer_url: str | None
    slot: int | None
    """The finalized slot; null before."""
    paid_at: Moment | None
    reason: str | None


class WithdrawalPage(BaseModel):
    """Newest first."""

    items: list[WithdrawalView]
    next_cursor: str | None


class MovementView(BaseModel):
    """Something that moved, or is about to move, the caller's money."""

    id: str
    kind: str
    """earnings, return, refund and deposit come in; withdrawal and investment go out."""
    direction: str
    state: str
    amount: Amount
    address: str
    """Where to."""
    signature: str | None
    explorer_url: str | None
    slot: int | None
    at: Moment


class MovementPage(BaseModel):
    """Newest first."""

    items: list[MovementView]
    next_cursor: str | None
