"""The real servers of a run: PostgreSQL as if it were new for each seed, and an empty Valkey.

One database serves one seed after the other, emptied in between (3 ms, against 80 for a copy of
a template); a backup is a second set of tables, and a restore puts its rows in place of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import redis

from pixr.adapters.postgres.migrate import migrate
from pixr.local.postgres import running_postgres
from pixr.local.valkey import running_valkey
from tests.simulation.mortal import MortalConnection, MortalStream, Process, connect

DATABASE = "simulation"

# Every edge that a state takes, as it commits: the schema's own trigger refuses wrong edges, and
# this one writes down which were taken, so that the two can be told apart when one is broken.
HISTORY = """
CREATE TABLE simulation_edges (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity text NOT NULL,
    name   text NOT NULL,
    old    text NOT NULL,
    new    text NOT NULL
);
CREATE FUNCTION simulation_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state THEN
        INSERT INTO simulation_edges (entity, name, old, new)
        VALUES (TG_TABLE_NAME, to_jsonb(NEW) ->> TG_ARGV[0], OLD.state, NEW.state);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER simulation_note AFTER UPDATE OF state ON payouts
    FOR EACH ROW EXECUTE FUNCTION simulation_note('id');
CREATE TRIGGER simulation_note AFTER UPDATE OF state ON batches
    FOR EACH ROW EXECUTE FUNCTION simulation_note('id');
CREATE TRIGGER simulation_note AFTER UPDATE OF state ON transactions
    FOR EACH ROW EXECUTE FUNCTION simulation_note('signature');
CREATE TRIGGER simulation_note AFTER UPDATE OF state ON content_investments
    FOR EACH ROW EXECUTE FUNCTION simulation_note('id');
"""


_TABLES = """
SELECT pg_class.relname AS name,
       string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    AND attgenerated = ''
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relname <> 'schema_migrations'
GROUP BY pg_class.relname
ORDER BY pg_class.relname
"""
_SEQUENCES = """
SELECT COALESCE(string_agg(format('setval(%L, 1, false)', oid::regclass), ', '), 'true') AS calls
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
"""
# A day that another seed had a partition for would be found, or dropped, by this one.
_DROP_DAYS = """
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'view_events'::regclass
    LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END $$
"""
_UNFROZEN = "SET session_replication_role = replica"
_FROZEN = "SET session_replication_role = origin"


@dataclass(kw_only=True, eq=False)
class Servers:
    """The database and the stream of one runner, used by one seed after the other.

    Triggers and foreign keys sleep while the tables are emptied or restored, as they would while
    a backup is read back.
    """

    admin: MortalConnection
    database_url: str
    redis_url: str
    hands: dict[str, tuple[MortalConnection, MortalStream]] = field(default_factory=dict)
    """Connections that outlive the processes: the server cannot tell, and they stay warm."""

    def __post_init__(self) -> None:
        self._tables = {row["name"]: row["columns"] for row in self.admin.execute(_TABLES)}
        row = self.admin.execute(_SEQUENCES).fetchone()
        assert row is not None
        self._rewind = f"SELECT {row['calls']}"
        self._schema("pristine")
        self.save("pristine")

    def begin(self) -> None:
        """Make everything as if it were new."""
        self.load("pristine")
        self.admin.execute(self._rewind.encode())
        self.empty_redis()

    def save(self, backup: str) -> None:
        """Keep what is committed now under the name of a backup."""
        self._schema(backup)
        self._run(
            f"DELETE FROM {backup}.{name}; INSERT INTO {backup}.{name} SELECT {columns} FROM {name}"
            for name, columns in self._tables.items()
        )

    def load(self, backup: str) -> None:
        """Restore what was committed when the backup was made; nobody is in a transaction."""
        days = f"SELECT DISTINCT occurred_on AS day FROM {backup}.view_events"
        self._run(
            [
                *(f"DELETE FROM {name}" for name in self._tables),
                _DROP_DAYS,
                f"SELECT ensure_view_events_day(day) FROM ({days}) AS seen",
                *(
                    f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"
                    f" SELECT {columns} FROM {backup}.{name}"
                    for name, columns in self._tables.items()
                ),
            ]
        )

    def empty_redis(self) -> None:
        """Lose what is in Redis, consumer groups and all."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def lend(self, process: Process) -> tuple[MortalConnection, MortalStream]:
        """Give a process what it works with."""
        db, stream = self.hands.get(process.name, (None, None))
        if db is None or db.closed or db.broken:
            db = connect(self.database_url)
        stream = stream or MortalStream(self.redis_url)
        self.hands[process.name] = db, stream
        assert db.info.transaction_status.name == "IDLE"
        db.process = stream.process = process
        process.db = db
        return db, stream

    def _schema(self, backup: str) -> None:
        found = self.admin.execute("SELECT to_regnamespace(%s) AS oid", (backup,)).fetchone()
        if found is None or found["oid"] is None:
            self._run(
                [
                    f"CREATE SCHEMA {backup}",
                    *(
                        f"CREATE TABLE {backup}.{name} AS SELECT {columns} FROM {name} LIMIT 0"
                        for name, columns in self._tables.items()
                    ),
                ]
            )

    def _run(self, statements: Iterable[str]) -> None:
        """All of them at once, in one transaction of the server's."""
        self.admin.execute("; ".join([_UNFROZEN, *statements, _FROZEN]).encode())


@contextmanager
def servers(postgres_url: str, redis_url: str) -> Iterator[Servers]:
    """Servers that run already; makes the simulation's database where there is none."""
    database_url = f"{postgres_url.rpartition('/')[0]}/{DATABASE}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        found = admin.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0".encode())
            migrate(database_url)
            with psycopg.connect(database_url) as fresh:
                fresh.execute(HISTORY)
    with connect(database_url) as look:
        made = Servers(admin=look, database_url=database_url, redis_url=redis_url)
        made.begin()
        yield made
        for db, stream in made.hands.values():
            db.close()
            stream.close()


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Servers of a run's own, which end with it."""
    with (
        running_postgres() as postgres,
        running_valkey() as valkey,
        servers(postgres.url, valkey.url) as found,
    ):
        yield found
