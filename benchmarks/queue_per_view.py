"""What most would build: one job on a queue and one INSERT for each view.

    enqueue ─▶ Valkey ─▶ ┃ worker: fetch the job ─▶ INSERT and commit ─▶ next ┃
                         ┗━━━━━━━━━━━━━━━━━ this is timed ━━━━━━━━━━━━━━━━━━━━━┛

RQ in its fastest form: a worker that runs jobs in its own process (RQ's default forks for each),
with the connection kept open and the statement prepared, no results kept, no retries, no logs.
It writes into a table with the columns, constraints and indexes of ``view_events``, and accrues
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache

import psycopg
import redis
import rq
from rq.serializers import JSONSerializer

from benchmarks.machine import Time, timed

QUEUE = "one-job-per-view"
INSERT = "INSERT INTO inserted VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"


@cache
def _connection(database_url: str) -> psycopg.Connection:
    return psycopg.connect(database_url, autocommit=True)


def insert_view(database_url: str, row: Sequence[object]) -> None:
    """The job."""
    _connection(database_url).execute(INSERT, row, prepare=True)


def measure(
    database_url: str, redis_url: str, rows: Sequence[Sequence[object]], server_pid: int
) -> Time:
    """Queue a job for each row, which is not timed, and let one worker do them all."""
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    with redis.Redis.from_url(redis_url) as client:
        queue = rq.Queue(QUEUE, connection=client, serializer=JSONSerializer)
        for row in rows:
            texts = [value if isinstance(value, int) else str(value) for value in row]
            queue.enqueue(insert_view, database_url, texts, result_ttl=0)
        worker = rq.SimpleWorker([queue], connection=client, serializer=JSONSerializer)
        _connection(database_url).execute("SELECT 1")
        with timed(server_pid) as taken:
            worker.work(burst=True, logging_level="WARNING")
        assert not len(queue), "the worker left jobs"
    _connection(database_url).close()
    _connection.cache_clear()
    return taken
