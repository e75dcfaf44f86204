"""Once a minute: upgrade jobs that nobody works on any more are pushed, or given up.

A message can be lost where no dead letter shows it: a queue forgets after four days, a worker is
killed between two steps, MediaConvert's event does not come. The job knows better: it says when it
last came further.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database, sweeps
from pixr.adapters.postgres.sweeps import Patience

RESTARTS_MAX: Final = 5

PATIENCE: Final = Patience(
    # A worker may run for 15 minutes, and its message stays hidden for 16. Five pushes and the last
    # wait are 21 hours: an outage of the encoders must not refund what they can still make.
    still=timedelta(minutes=20),
    converting=timedelta(hours=6),
    restarts_max=RESTARTS_MAX,
    jobs_max=50,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a pass did."""

    pushed: list[UUID]
    given_up: dict[str, str]
    """Job → why it was closed."""


def sweep(db: Database, *, now: datetime) -> Swept:
    """Push what stands still, after giving up what was pushed in vain."""
    given_up = sweeps.give_up(db, PATIENCE, now=now)
    return Swept(
        pushed=sweeps.push(db, PATIENCE, now=now),
        given_up={str(job_id): reason for job_id, reason in given_up.items()},
    )
