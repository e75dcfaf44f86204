"""Payees who are paid so often that the settler writes them into a lookup table.

    settler rests ─▶ everybody in the crowd is viewed ─▶ settler pays, 16 in a transaction ─▶ again
                                                           └─▶ after eight: a table, by itself,
                                                               and 41 in a transaction

Nothing here touches a table: the crowd is paid as anybody is until the rule of ADR-0019 finds that
a table would pay. That happens before the first kill; afterwards tables are used under fire.
"""

from __future__ import annotations

from typing import Final

from pixr.adapters.postgres import drills, lookup_tables
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE
from pixr.local.errors import LocalError
from pixr.ops.drilling.settlers import Settler, wait_until
from pixr.ops.drilling.views import Producer
from pixr.ops.drilling.watch import Watch

CROWD: Final = 3 * PAYEES_FULL
"""They fill three plain transactions: only a full one counts for a table."""

MINIMUM_SOL: Final = "0.001"
"""What a payday of the crowd is worth: fifty views each."""

PAYDAYS_NEEDED: Final = 8
PAYDAYS_MAX: Final = 24
"""A tick of the minute's rule may part a payday, and then it does not count."""

REST_TIMEOUT_S: Final = 60.0
PAID_TIMEOUT_S: Final = 90.0
TABLE_TIMEOUT_S: Final = 20.0
POLL_S: Final = 0.2


def make_regular(
    producer: Producer, settler: Settler, watch: Watch, *, minimum_lamports: int
) -> int:
    """Pay the crowd until a table has paid a part of them together; return how many stand in it.

    Raises:
        LocalError: It does not come to that.
    """

    def is_paid() -> bool:
        left = watch.ask(lambda db: drills.unfinished(db, minimum_lamports=minimum_lamports))
        return left.is_paid and not watch.undrained()[0]

    def is_enough() -> bool:
        return entries(watch) >= PAYEES_FULL_WITH_TABLE

    for number in range(1, PAYDAYS_MAX + 1):
        settler.rest(timeout_s=REST_TIMEOUT_S)
        producer.hold_payday()
        settler.resume()
        if not wait_until(is_paid, timeout_s=PAID_TIMEOUT_S, poll_s=POLL_S):
            break
        patience_s = TABLE_TIMEOUT_S if number >= PAYDAYS_NEEDED else 0.0
        is_tabled = wait_until(is_enough, timeout_s=patience_s, poll_s=POLL_S)
        if is_tabled and watch.ask(drills.tabled)["payments"]:
            return entries(watch)
    raise LocalError(
        f"After {number} paydays {entries(watch)} payees stand in a lookup table, unused.",
        mend="Try again, or leave tables out with --no-tables.",
    )


def entries(watch: Watch) -> int:
    """How many payees stand in tables that may be used."""
    booked = watch.ask(lookup_tables.list_booked)
    return sum(len(item.table.addresses) for item in booked if item.state == "USABLE")
