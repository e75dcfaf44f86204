"""People who invest, one by one and all at once."""

import hashlib
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from functions.api.invest import Investment, invest
from functions.second_factor import Demand
from pixr.adapters.postgres import connect
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.solana import Solana
from pixr.domain.errors import Refusal
from pixr.domain.money import Lamports
from tests.house import RENT, Answer, House

LONG = 900_000
"""Frames of a content whose upgrade costs more than the minimum."""


def put(house: House, key: str = "k", *, sub: str = "alice", **body: Any) -> Answer:
    return house.post(
        "/invest", {"content_id": "clip", "quality": "1080p", **body}, key=key, sub=sub
    )


def race(
    user: str,
    house: House,
    start: threading.Barrier,
    *,
    key: str = "race",
    demand: Demand = lambda: None,
) -> Any:
    """Invest when all have come to the start; the answer, or the refusal."""
    asked = Investment(
        id=uuid4(),
        payout_id=uuid4(),
        user_id=user,
        content_id="clip",
        rung=1080,
        lamports=Lamports(RENT),
    )
    claim = Claim(user_id=user, key=key, route="r", body_sha256=hashlib.sha256(b"x").digest())
    with connect(house.database_url) as db:
        start.wait()
        try:
            return invest(
                db,
                Solana([house.chain_url]),
                asked,
                claim=claim,
                sol=None,
                return_cap_bps=15_000,
                small_lamports=2 * RENT,
                demand=demand,
                now=datetime.now(UTC),
            )
        except Refusal as refusal:
            return refusal
