"""Deliberate faults: what was paid and forgotten is not noticed.

The walk and the comparison of balances stand in for each other, so each is tried alone.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from unittest import mock

from functions import deposits
from functions.batch import guard
from pixr.adapters.solana import Listing, Solana


@contextmanager
def a_walk_that_finds_nothing() -> Generator[None]:
    """No node lists anything, and nobody compares balances."""
    nothing = Listing(records=(), strays=(), gap=None, settled=0)
    with (
        mock.patch.object(Solana, "listing", return_value=nothing),
        mock.patch.object(guard, "_missing", return_value=0),
    ):
        yield


@contextmanager
def an_unknown_payment_that_is_swallowed() -> Generator[None]:
    """The walk goes on past what the treasury paid for, and nobody compares balances."""
    with (
        mock.patch.object(deposits, "_refuse_ours"),
        mock.patch.object(guard, "_missing", return_value=0),
    ):
        yield
