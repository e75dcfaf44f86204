"""What the wallet function takes and gives, field by field."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from functions.second_factor import TotpCode
from functions.values import Amount, AmountRequest, Moment, Request

Destination = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class TwoFactor(BaseModel):
    """Whether money out asks for a second factor, and whether the caller has one."""

    required: bool
    enrolled: bool
    recovery_codes_left: int
    withdrawals_frozen_until: Moment | None
    """A factor was removed: nothing can be withdrawn before."""


class Enrolment(BaseModel):
    """A secret, shown once; it protects nothing before it is confirmed with a code."""

    otpauth_uri: str
    qr_svg: str
    """The same as an SVG element, for an authenticator's camera."""
    expires_at: Moment


class CodeRequest(Request):
    """A code of the second factor, and nothing else."""

    totp_code: TotpCode


class RecoveryCodes(BaseModel):
    """Shown once; each brings a lost factor back, by removing it, and works once."""

    recovery_codes: list[str]


class ListRequest(Request):
    """An address to trust, and what to call it."""

    destination: Destination
    label: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
    ]
    totp_code: TotpCode | None = None


class ListedView(BaseModel):
    """An address that the caller trusts."""

    destination: str
    label: str
    added_at: Moment
    usable_at: Moment
    """From then on it may get any sum that the limits let go."""


class ListedPage(BaseModel):
    """Newest first."""

    items: list[ListedView]
    next_cursor: str | None


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

    destination: Destination
    totp_code: TotpCode | None = None
    """What the authenticator shows; not a part of what is asked for, so a retry has another."""


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
