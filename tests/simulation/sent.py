"""What the nodes see, compared with what the database said before they saw it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tests.simulation.decode import Move, Said
from tests.simulation.glance import Row
from tests.simulation.town import RENT, Signed, Town

TRANSACTION_BYTES_MAX = 1_232
RETENTION = timedelta(hours=24)


def check(town: Town, encoded: str) -> None:
    """Look over the settler's shoulder as it hands bytes to a node."""
    raw = base64.b64decode(encoded)
    said = town.decode(raw)
    known = town.known.signed.get(said.signature)
    if known is not None:
        assert known.raw == raw, "other bytes under a signature that was sent before"
        return
    town.count("attempts")
    row = i04_every_signature_that_a_node_saw_has_an_older_attempt_row(town, said)
    i14_the_decoded_message_equals_the_intent(town, said, row, raw)


def i04_every_signature_that_a_node_saw_has_an_older_attempt_row(town: Town, said: Said) -> Row:
    """Every signature that any node saw has an older attempt row.

    Asked before the bytes leave, over a connection of our own, so that only what is committed
    counts. Remembers what the row said, should the database ever forget it.
    """
    row = town.look.execute(
        "SELECT transactions.*, batches.kind, batches.receipt_address, batches.merkle_root"
        " FROM transactions JOIN batches ON batches.id = transactions.batch_id"
        " WHERE signature = %s",
        (said.signature,),
    ).fetchone()
    assert row is not None, f"{said.signature} was sent, and no row says so"
    assert row["state"] in ("SIGNED", "INFLIGHT"), f"sent in state {row['state']}"
    return row


def i14_the_decoded_message_equals_the_intent(town: Town, said: Said, row: Row, raw: bytes) -> None:
    """The decoded message equals the intent: the batch, its payouts, and what was asked for."""
    assert bytes(row["raw"]) == raw
    assert len(raw) <= TRANSACTION_BYTES_MAX
    VersionedTransaction.from_bytes(raw).verify_and_hash_message()
    assert said.fee_lamports == row["fee_lamports_max"]
    items = _items(town, row["batch_id"])
    if row["kind"] == "reclaim":
        _check_reclaim(town, said, row)
    elif row["kind"] == "table":
        _check_extension(town, said, row)
    else:
        _check_payment(town, said, row, items)
    town.known.signed[said.signature] = Signed(
        signature=said.signature,
        batch_id=row["batch_id"],
        kind=row["kind"],
        payouts=tuple(
            (item["id"], item["kind"], item["destination"], item["lamports"]) for item in items
        ),
        last_valid_block_height=row["last_valid_block_height"],
        raw=raw,
    )


def job_of(topic: str, payload: dict[str, Any]) -> UUID:
    """The upgrade that an outbox message asks for."""
    assert topic == "upgrade.plan"
    return UUID(payload["job_id"])


def _items(town: Town, batch_id: UUID) -> list[Row]:
    return town.look.execute(
        "SELECT payouts.*, batch_items.salt, content_investments.user_id AS investor"
        " FROM batch_items JOIN payouts ON payouts.id = batch_items.payout_id"
        " LEFT JOIN content_investments ON content_investments.id = payouts.investment_id"
        " WHERE batch_items.batch_id = %s ORDER BY position",
        (batch_id,),
    ).fetchall()


def _check_payment(town: Town, said: Said, row: Row, items: Sequence[Row]) -> None:
    source = _source(town, items[0])
    expected = [
        Move(source=source, target=item["destination"], lamports=item["lamports"]) for item in items
    ]
    assert list(said.transfers) == expected
    assert set(said.signers) == {town.treasury, source}
    assert said.signers[0] == town.treasury
    assert said.receipt == Move(source=town.treasury, target=row["receipt_address"], lamports=RENT)
    assert not said.reclaims
    assert said.extended is None
    assert said.memo == base64.b64encode(bytes(row["merkle_root"])).decode()
    assert _root(items) == bytes(row["merkle_root"])
    for item in items:
        _check_destination(town, item)


def _check_destination(town: Town, item: Row) -> None:
    """Compare one payout with what we know without the database."""
    destination, kind = item["destination"], item["kind"]
    if kind in ("earnings", "return"):
        assert destination == town.address_of(item["user_id"])
    elif kind == "refund":
        # A claim that recovery made for a lost investment has no investment any more.
        owner = item["user_id"] if item["recovered_from"] else item["investor"]
        assert destination == town.address_of(owner)
    elif kind == "release":
        assert destination == town.treasury
    elif kind == "investment":
        assert destination == town.escrow
    else:
        assert town.known.asking[str(item["id"])] == (item["user_id"], destination)
        asked = town.known.asked.get(str(item["id"]))
        assert asked is None or asked.lamports == item["lamports"]


def _source(town: Town, item: Row) -> str:
    kind = item["kind"]
    if kind in ("earnings", "return"):
        return town.treasury
    return town.escrow if kind in ("refund", "release") else town.address_of(item["user_id"])


def _check_extension(town: Town, said: Said, row: Row) -> None:
    """An extension writes wallets of ours into a table of the treasury's, and pays its rent."""
    entries = town.look.execute(
        "SELECT table_address, address, position FROM lookup_entries WHERE batch_id = %s"
        " ORDER BY position",
        (row["batch_id"],),
    ).fetchall()
    assert said.signers == (town.treasury,)
    assert said.receipt == Move(source=town.treasury, target=row["receipt_address"], lamports=RENT)
    assert not said.reclaims
    assert list(said.written) == [item["address"] for item in entries]
    assert {said.extended} == {item["table_address"] for item in entries}
    assert set(said.written) <= {town.address_of(user_id) for user_id in town.users}
    assert said.is_creating == (entries[0]["position"] == 0)
    assert [(item.source, item.target) for item in said.transfers] == [
        (town.treasury, said.extended)
    ]


def _check_reclaim(town: Town, said: Said, row: Row) -> None:
    """A reclaim empties receipts of batches that were paid, into the treasury, and no more."""
    assert said.signers == (town.treasury,)
    assert said.receipt is None
    assert not said.transfers
    paid = town.look.execute(
        "SELECT batches.receipt_address, batches.state, batches.closed_at, taking.planned_at"
        " FROM batch_receipts JOIN batches ON batches.id = batch_receipts.paid_batch_id"
        " JOIN batches AS taking ON taking.id = batch_receipts.batch_id"
        " WHERE batch_receipts.batch_id = %s ORDER BY position",
        (row["batch_id"],),
    ).fetchall()
    assert [(item.source, item.target) for item in said.reclaims] == [
        (item["receipt_address"], town.treasury) for item in paid
    ]
    assert all(item["state"] == "FINALIZED" for item in paid)
    youngest = max(item["closed_at"] for item in paid)
    # By the clock of its plan: the settler's may have been set back since.
    planned_at = min(item["planned_at"] for item in paid)
    assert youngest <= planned_at - RETENTION, f"a receipt of {youngest} is taken away"
    for item in paid:
        _check_guard_is_idle(town, item["receipt_address"])


def _check_guard_is_idle(town: Town, receipt: str) -> None:
    """No attempt that the receipt guards against could still land."""
    for signed in town.known.signed.values():
        said = town.decode(signed.raw)
        if said.receipt is not None and said.receipt.target == receipt:
            assert not town.cluster.truth.is_alive(signed.signature), (
                f"the receipt of {signed.signature} is taken away while it could land"
            )


def _root(items: Sequence[Row]) -> bytes:
    """The Merkle root over the payouts, from the words of settlement.md."""
    level = [
        hashlib.sha256(
            b"\x00"
            + item["id"].bytes
            + bytes(Pubkey.from_string(item["destination"]))
            + item["lamports"].to_bytes(8, "little")
            + bytes(item["salt"])
        ).digest()
        for item in items
    ]
    while len(level) > 1:
        pairs = [level[start : start + 2] for start in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0]
