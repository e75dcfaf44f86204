"""Deliberate faults of a hasty signer: it sends too early, or signs what it did not read."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest import mock

from solders.system_program import TransferParams, transfer

from functions.batch import sign
from pixr.domain import intent, packing


def sent_before_it_is_stored() -> AbstractContextManager[Any]:
    store = sign._store_and_send

    def hasty(desk: sign.Desk, signed: Sequence[Any], *, now: datetime) -> Any:
        desk.chain.send([item.raw for item in signed])
        return store(desk, signed, now=now)

    return mock.patch.object(sign, "_store_and_send", hasty)


def sent_inside_a_transaction() -> AbstractContextManager[Any]:
    store = sign._store_and_send

    def tidy(desk: sign.Desk, signed: Sequence[Any], *, now: datetime) -> Any:
        with desk.db.transaction():
            return store(desk, signed, now=now)

    return mock.patch.object(sign, "_store_and_send", tidy)


@contextmanager
def without_a_receipt() -> Generator[None]:
    def nothing(treasury: Any, *_rest: Any) -> Any:
        return transfer(TransferParams(from_pubkey=treasury, to_pubkey=treasury, lamports=0))

    with (
        mock.patch.object(packing, "create_receipt", nothing),
        mock.patch.object(intent, "check"),
    ):
        yield


@contextmanager
def signed_unread() -> Generator[None]:
    """A payee gets a lamport more than the batch says, and the signer does not look again."""
    build = packing.message

    def generous(wanted: packing.Intent, **rest: Any) -> Any:
        first, *others = wanted.transfers
        more = replace(first, lamports=first.lamports + 1)
        return build(replace(wanted, transfers=(more, *others)), **rest)

    with mock.patch.object(packing, "message", generous), mock.patch.object(intent, "check"):
        yield
