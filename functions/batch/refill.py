"""Ask for a refill while the hot treasury holds less than its float.

A wish, nothing more: it moves no money and keeps no payment waiting. People answer it with
`pixr treasury refill`; the request closes by itself when the balance is back, wherever the
money came from.
"""

from datetime import datetime

from functions.batch.world import Report
from pixr.adapters.postgres import Database, refills


def watch(db: Database, report: Report, *, float_lamports: int, now: datetime) -> None:
    """Compare what the guard saw of the treasury with the float.

    Args:
        db: Where the request is kept: one statement, whatever is found.
        report: Knows the balance, and is told what is missing.
        float_lamports: What the treasury should hold; 0: it is not watched.
        now: The time.
    """
    held = report.hot_lamports
    if held is None:
        return
    if float_lamports:
        report.below_float_lamports = max(0, float_lamports - held)
    # Without a float, too: what was asked for while there was one must not stay open for ever.
    refills.watch(db, float_lamports=float_lamports, balance_lamports=held, now=now)
