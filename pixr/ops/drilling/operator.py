"""The operator of a drill: looks at what is held once the nodes tell the truth again.

What he does is ``pixr hold release`` with the first way that is open. A batch that is held again
after ``TRIES_MAX`` releases stays held, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database, batches, holds
from pixr.adapters.solana import Solana
from pixr.ops import releasing

ACTOR: Final = "drill"
PREFERRED: Final = ("look-again", "adopt", "dissolve")
"""The one that decides least comes first."""

TRIES_MAX: Final = 3
HELD_MAX: Final = 1_000


class Operator:
    """Remembers what was released how often.

    Args:
        chain: As the settler sees it.
        now: The clock.
        new_id: Names jobs that an adopted payment may complete.
    """

    def __init__(
        self, chain: Solana, *, now: Callable[[], datetime], new_id: Callable[[], UUID]
    ) -> None:
        self.released: Counter[str] = Counter()
        """Ways out of HOLD, by how often one was taken."""
        self._chain = chain
        self._now = now
        self._new_id = new_id
        self._tries: Counter[UUID] = Counter()

    def release(self, db: Database) -> int:
        """Release all that may be released; return how many batches were."""
        done = 0
        for row in holds.list_batches(db, limit=HELD_MAX):
            if self._tries[row["id"]] < TRIES_MAX:
                self._tries[row["id"]] += 1
                done += self._release(db, row["id"])
        return done

    def _release(self, db: Database, batch_id: UUID) -> bool:
        case = releasing.examine(db, self._chain, batches.reread(db, batch_id))
        way = next((way for way in PREFERRED if case.obstacle(way) is None), None)
        if way is None:
            return False
        try:
            releasing.release(
                db, self._chain, case, way, actor=ACTOR, new_id=self._new_id, now=self._now()
            )
        except releasing.NotSafe:
            return False
        self.released[way] += 1
        return True
