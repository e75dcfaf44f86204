"""Goal: whatever is asked for at once, with whatever keys, a wallet never lets go what it lacks.

Method: requests are drawn, repetitions and reused keys included, and sent from a thread each; then
the database must agree with every answer.
"""

import hashlib
import itertools
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.keypair import Keypair

from functions.wallet.withdraw import Withdrawal, withdraw
from pixr.adapters.postgres import connect
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.solana import Solana
from pixr.domain.errors import KeyReused, Overdrawn, Refusal, StillRunning, TooSmall
from pixr.domain.money import Lamports
from tests.house import RENT, SOL, House
from tests.pace import BOUNDLESS

FUNDS = 3 * SOL
AMOUNTS = [None, SOL, 2 * SOL, FUNDS, FUNDS - RENT, FUNDS - RENT + 1, FUNDS + 1, RENT, 1_000_000]
"""None asks for everything."""

_names = itertools.count()


@dataclass(frozen=True)
class Asked:
    key: str
    lamports: int | None


REQUESTS = st.lists(
    st.builds(Asked, key=st.sampled_from("abcdef"), lamports=st.sampled_from(AMOUNTS)),
    min_size=2,
    max_size=10,
)


def send_all(house: House, user: str, asked: list[Asked], to: str) -> list[Any]:
    answers: list[Any] = [None] * len(asked)
    start = threading.Barrier(len(asked))

    def send(number: int) -> None:
        wanted = asked[number]
        request = Withdrawal(
            id=uuid4(),
            user_id=user,
            lamports=None if wanted.lamports is None else Lamports(wanted.lamports),
            destination=to,
            house={},
        )
        digest = hashlib.sha256(str(wanted.lamports).encode()).digest()
        claim = Claim(user_id=user, key=wanted.key, route="r", body_sha256=digest)
        with connect(house.database_url) as db:
            start.wait()
            try:
                answers[number] = withdraw(
                    db,
                    Solana([house.chain_url]),
                    request,
                    claim=claim,
                    rules=BOUNDLESS,
                    demand=lambda: None,
                    now=datetime.now(UTC),
                )
            except Refusal as refusal:
                answers[number] = refusal

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REQUESTS)
def test_no_race_overdraws_a_wallet_or_pays_a_key_twice(house: House, asked: list[Asked]) -> None:
    user = f"racer-{next(_names)}"
    house.user(user, lamports=FUNDS)
    to = str(Keypair().pubkey())
    answers = send_all(house, user, asked, to)
    rows = house.db.execute(
        "SELECT id, lamports FROM payouts WHERE user_id = %s", [user]
    ).fetchall()
    paid: dict[UUID, int] = {row["id"]: row["lamports"] for row in rows}
    held = house.db.execute(
        "SELECT posted_lamports, reserved_lamports FROM ledger_accounts WHERE account = %s",
        [f"wallet:{user}"],
    ).fetchone()
    assert held is not None
    assert held["reserved_lamports"] == sum(paid.values()) <= FUNDS
    left = held["posted_lamports"] - held["reserved_lamports"]
    assert left == 0 or left >= RENT
    told: dict[str, set[str]] = {}
    for request, answer in zip(asked, answers, strict=True):
        if isinstance(answer, dict):
            told.setdefault(request.key, set()).add(answer["withdrawal_id"])
            lamports = int(answer["amount"]["lamports"])
            assert paid[UUID(answer["withdrawal_id"])] == lamports
            assert request.lamports in (None, lamports)
        else:
            assert isinstance(answer, Overdrawn | TooSmall | KeyReused | StillRunning), answer
    # Each key has one withdrawal at most, and each withdrawal was told to somebody.
    assert all(len(ids) == 1 for ids in told.values())
    ids = [UUID(id_) for ids in told.values() for id_ in ids]
    assert sorted(ids) == sorted(paid)
