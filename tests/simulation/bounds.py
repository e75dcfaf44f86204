"""Bounds made small, so that a run meets them as often as production meets them rarely."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from unittest import mock

from functions import deposits
from functions.batch import drain, plan, reclaim, tables, tick
from pixr.adapters.postgres import batches
from pixr.domain import lookup_tables, packing, table_packing


@contextmanager
def small(luck: Random) -> Generator[None]:
    """Draw how much the settler takes on at once."""
    transaction_bytes = luck.choice([1_232, 1_232, 700])
    regulars = luck.choice([1, 2, 8])
    with (
        # Few payees fill a transaction, and few payments make a payee regular.
        mock.patch.object(packing, "TRANSACTION_BYTES_MAX", transaction_bytes),
        mock.patch.object(table_packing, "TRANSACTION_BYTES_MAX", transaction_bytes),
        mock.patch.object(tables, "PAYEES_FULL", regulars),
        mock.patch.object(tables, "TREASURY_BPS_MAX", 10_000),
        mock.patch.object(lookup_tables, "PAYEES_FULL_WITH_TABLE", regulars),
        mock.patch.object(lookup_tables, "payments_needed", return_value=1),
        mock.patch.object(plan, "PAYOUTS_PER_ROUND", luck.choice([3, 20, 60])),
        mock.patch.object(tick, "SIGNED_TOGETHER", luck.choice([1, 2, 64])),
        mock.patch.object(tick, "OBSERVED_TOGETHER", luck.choice([1, 3, 256])),
        mock.patch.object(batches, "OPEN_MAX", luck.choice([4, 100])),
        mock.patch.object(drain, "EVENTS_PER_DRAIN", luck.choice([7, 1_000])),
        mock.patch.object(reclaim, "RECEIPTS_PER_RECLAIM", luck.choice([1, 2, 9])),
        mock.patch.object(deposits, "TRANSACTIONS_PER_WALK", luck.choice([1, 5, 100])),
        mock.patch.object(deposits, "PROBES_PER_WALK", luck.choice([3, 20])),
    ):
        yield
