"""Rules of withdrawing that never refuse, for tests of other things."""

from pixr.domain.withdrawals import Rules

BOUNDLESS = Rules(
    hour_lamports_max=2**62,
    day_lamports_max=2**62,
    hour_max=10**9,
    day_max=10**9,
    small_lamports=2**62,
)
