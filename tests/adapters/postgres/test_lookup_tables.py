"""What the schema refuses about lookup tables and v1 messages, whatever the code does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from pixr.adapters.postgres import Database, ledger, lookup_tables
from pixr.adapters.postgres.lookup_tables import Extension, Plan

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TABLE = "T" * 44
RENT = 5_000_000
RESERVED = 6_000_000


def payees(*numbers: int) -> tuple[str, ...]:
    return tuple(f"payee{number:027}" for number in numbers)


def plan(addresses: Sequence[str], first: int = 0, slot: int = 7, table: str = TABLE) -> Plan:
    batch_id = uuid4()
    return Plan(
        batch_id=batch_id,
        receipt_address=batch_id.hex,
        rent_lamports=RENT,
        treasury_reserved_lamports=RESERVED,
        extension=Extension(
            table_address=table, recent_slot=slot, first_position=first, addresses=tuple(addresses)
        ),
    )


@pytest.fixture
def rich(db: Database) -> Database:
    ledger.post(db, "deposit:x", {"treasury": 10**9, "world": -(10**9)}, now=NOW)
    return db


def end(db: Database, batch_id: UUID, state: str) -> None:
    """As the edges do it, without an attempt."""
    db.execute(
        "UPDATE batches SET state = 'SIGNED', version = version + 1 WHERE id = %s", (batch_id,)
    )
    db.execute(
        "UPDATE batches SET state = %s, closed_at = %s WHERE id = %s", (state, NOW, batch_id)
    )
    if state == "FINALIZED":
        lookup_tables.written(db, [batch_id])
    else:
        lookup_tables.not_written(db, batch_id)


def insert(db: Database, wanted: Plan) -> Plan:
    assert lookup_tables.insert_extension(db, wanted, now=NOW)
    return wanted


def test_entries_are_usable_once_their_extension_is_final(rich: Database) -> None:
    first = insert(rich, plan(payees(1, 2)))
    assert lookup_tables.list_booked(rich) == []
    assert lookup_tables.read(rich, [TABLE]) == {}
    end(rich, first.batch_id, "FINALIZED")
    second = insert(rich, plan(payees(3), first=2))
    (booked,) = lookup_tables.list_booked(rich)
    assert (booked.table.addresses, booked.entries, booked.state) == (payees(1, 2), 3, "USABLE")
    end(rich, second.batch_id, "FINALIZED")
    assert lookup_tables.read(rich, [TABLE])[TABLE].addresses == payees(1, 2, 3)
    found = lookup_tables.extensions(rich, [first.batch_id, second.batch_id])
    assert found == {item.batch_id: item.extension for item in (first, second)}


def test_one_extension_at_a_time(rich: Database) -> None:
    first = insert(rich, plan(payees(1)))
    other = plan(payees(2), slot=8, table="U" * 44)
    assert not lookup_tables.insert_extension(rich, other, now=NOW)
    assert ledger.read(rich, "treasury").reserved_lamports == RESERVED
    end(rich, first.batch_id, "FAILED")
    insert(rich, other)


def test_the_schema_itself_lets_no_second_extension_be_open(rich: Database) -> None:
    insert(rich, plan(payees(1)))
    with pytest.raises(psycopg.errors.UniqueViolation, match="batches_one_extension"):
        rich.execute(
            "INSERT INTO batches (id, kind, receipt_address, payees, lamports,"
            " treasury_reserved_lamports, table_address, planned_at)"
            " VALUES (%s, 'table', %s, 1, 1, 0, %s, %s)",
            (uuid4(), "R" * 44, TABLE, NOW),
        )


def test_a_failed_extension_gives_places_and_payees_back(rich: Database) -> None:
    made = insert(rich, plan(payees(1)))
    end(rich, made.batch_id, "FINALIZED")
    failed = insert(rich, plan(payees(2), first=1))
    end(rich, failed.batch_id, "FAILED")
    again = insert(rich, plan(payees(2), first=1))
    end(rich, again.batch_id, "FINALIZED")
    assert lookup_tables.read(rich, [TABLE])[TABLE].addresses == payees(1, 2)


def test_a_failed_creation_abandons_its_table_and_its_slot(rich: Database) -> None:
    failed = insert(rich, plan(payees(1)))
    end(rich, failed.batch_id, "FAILED")
    assert not lookup_tables.insert_extension(rich, plan(payees(1)), now=NOW)
    insert(rich, plan(payees(1), slot=8, table="U" * 44))


def test_a_poor_treasury_writes_nothing(db: Database) -> None:
    assert not lookup_tables.insert_extension(db, plan(payees(1)), now=NOW)
    assert db.execute("SELECT 1 FROM lookup_tables").fetchone() is None


@pytest.mark.parametrize(
    ("extension", "is_free"),
    [
        (plan(payees(9), first=2), True),
        (plan(payees(9), first=0, slot=9, table="U" * 44), True),
        # As a rival leaves it, who extended the table since it was read.
        (plan(payees(9), first=1), False),
        (plan(payees(1), first=2), False),
    ],
)
def test_places_and_payees_are_taken_once(
    rich: Database,
    extension: Plan,
    is_free: bool,  # noqa: FBT001 -- a case
) -> None:
    made = insert(rich, plan(payees(1, 2)))
    end(rich, made.batch_id, "FINALIZED")
    before = ledger.read(rich, "treasury").reserved_lamports
    assert lookup_tables.insert_extension(rich, extension, now=NOW) is is_free
    after = ledger.read(rich, "treasury").reserved_lamports
    assert after - before == (RESERVED if is_free else 0)
    assert lookup_tables.is_extending(rich) is is_free


def test_a_table_has_256_places(rich: Database) -> None:
    end(rich, insert(rich, plan(payees(1))).batch_id, "FINALIZED")
    with pytest.raises(psycopg.errors.CheckViolation, match="position"):
        lookup_tables.insert_extension(rich, plan(payees(9), first=256), now=NOW)


@pytest.mark.parametrize(
    ("first_byte", "size", "is_taken"),
    [(1, 1_232, True), (1, 1_233, False), (0x81, 4_096, True), (0x81, 4_097, False)],
)
def test_only_a_v1_transaction_may_be_large(
    rich: Database,
    first_byte: int,
    size: int,
    is_taken: bool,  # noqa: FBT001 -- a case
) -> None:
    batch = insert(rich, plan(payees(1)))
    raw = bytes([first_byte]) + bytes(size - 1)
    statement = (
        "INSERT INTO transactions (signature, batch_id, attempt, raw, blockhash, blockhash_slot,"
        " last_valid_block_height, fee_lamports_max, signed_at)"
        " VALUES (%s, %s, 1, %s, 'b', 1, 1, 1, %s)"
    )
    parameters = ("s" * 64, batch.batch_id, raw, NOW)
    if is_taken:
        rich.execute(statement, parameters)
        return
    with pytest.raises(psycopg.errors.CheckViolation, match="raw"):
        rich.execute(statement, parameters)


@pytest.mark.parametrize(
    ("kind", "table"), [("withdrawal", None), ("refund", None), ("earnings", TABLE)]
)
def test_v1_is_for_earnings_without_a_table(rich: Database, kind: str, table: str | None) -> None:
    insert(rich, plan(payees(1)))
    with pytest.raises(psycopg.errors.CheckViolation, match="batches_v1_pay_earnings"):
        rich.execute(
            "INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,"
            " treasury_reserved_lamports, table_address, is_v1, planned_at)"
            " VALUES (%s, %s, %s, %s, 1, 1, 0, %s, true, %s)",
            (uuid4(), kind, "R" * 44, bytes(32), table, NOW),
        )
