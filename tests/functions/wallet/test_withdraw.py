"""Goal: money leaves once, only as its owner said, and only to where it can arrive."""

import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.wallet.withdraw import Withdrawal, withdraw
from pixr.adapters.postgres import connect
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.solana import Solana
from pixr.domain.errors import Overdrawn, Refusal
from pixr.domain.money import Lamports
from pixr.domain.wallets import RUNTIME_ADDRESSES
from tests.house import RENT, SOL, Answer, House, forget
from tests.pace import BOUNDLESS


def outside() -> str:
    """An address of nobody here."""
    return str(Keypair().pubkey())


def ask(house: House, key: str = "k", **body: Any) -> Answer:
    return house.post("/withdraw", {"destination": outside(), **body}, key=key)


def untouched(house: House) -> bool:
    reserved = house.db.execute(
        "SELECT sum(reserved_lamports) AS n FROM ledger_accounts"
    ).fetchone()
    assert reserved is not None
    return (
        reserved["n"] == 0
        and house.count("payouts") == 0
        and house.count("idempotency") == 0
        and house.count("audit_log") == 0
        and house.wakes() == 0
    )


def test_a_withdrawal_is_reserved_written_down_and_wakes_the_settler(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    to = outside()
    answer = house.post("/withdraw", {"amount": "0.5", "destination": to}, key="k")
    assert answer.status == 202
    assert answer.body["state"] == "PENDING"
    assert answer.body["amount"] == {"lamports": "500000000", "sol": "0.5"}
    assert answer.body["fee"] == {"lamports": "0", "sol": "0"}
    assert house.wakes() == 1
    balance = house.get("/balance").body
    assert balance["available"]["sol"] == "1.5"
    assert balance["reserved"]["sol"] == "0.5"
    assert balance["on_chain"]["sol"] == "2"
    shown = house.get(f"/withdrawals/{answer.body['withdrawal_id']}").body
    assert (shown["state"], shown["destination"], shown["signature"]) == ("PENDING", to, None)
    line = house.db.execute("SELECT actor, action, subject FROM audit_log").fetchone()
    assert line == {
        "actor": "alice",
        "action": "withdrawal.requested",
        "subject": answer.body["withdrawal_id"],
    }


@pytest.mark.parametrize("amount", ["max", 2], ids=repr)
def test_a_wallet_may_be_emptied(house: House, amount: Any) -> None:
    house.user("alice", lamports=2 * SOL)
    assert ask(house, amount=amount).body["amount"]["lamports"] == str(2 * SOL)


@pytest.mark.parametrize("lamports", [SOL, str(SOL)], ids=repr)
def test_lamports_are_taken_as_digits_or_integer(house: House, lamports: Any) -> None:
    house.user("alice", lamports=2 * SOL)
    assert ask(house, lamports=lamports).body["amount"]["sol"] == "1"


BAD_AMOUNTS: list[tuple[dict[str, Any], str]] = [
    ({}, "amount"),
    ({"amount": "1", "lamports": 1}, "amount"),
    ({"amount": -1}, "amount"),
    ({"amount": 0}, "amount"),
    ({"amount": "0"}, "amount"),
    ({"amount": "NaN"}, "amount"),
    ({"amount": " 1 "}, "amount"),
    ({"amount": "١"}, "amount"),
    ({"amount": "MAX"}, "amount"),
    ({"amount": "1e400"}, "amount"),
    ({"amount": 1e-10}, "amount"),
    ({"amount": True}, "amount"),
    ({"amount": [1]}, "amount"),
    ({"amount": {"sol": 1}}, "amount"),
    ({"lamports": 2**64}, "lamports"),
    ({"lamports": 0}, "lamports"),
    ({"lamports": -5}, "lamports"),
    ({"lamports": 1.5}, "lamports"),
    ({"lamports": 1.0}, "lamports"),
    ({"lamports": "max"}, "lamports"),
]


def test_what_is_not_an_amount_moves_nothing(house: House) -> None:
    house.user("alice")
    for body, field in BAD_AMOUNTS:
        answer = ask(house, **body)
        assert answer.problem == (400, "malformed"), body
        assert answer.body["errors"][0]["field"] == field, body
    assert untouched(house)


def test_a_number_beyond_all_bounds_moves_nothing(house: House) -> None:
    house.user("alice")
    body = f'{{"amount": 1e400, "destination": "{outside()}"}}'
    assert house.post("/withdraw", body, key="k").problem == (400, "malformed")
    assert untouched(house)


OFF_CURVE = str(Pubkey.find_program_address([b"x"], Pubkey.default())[0])


def test_an_address_that_nobody_holds_gets_nothing(house: House) -> None:
    house.user("alice")
    for destination in ["x", "1" * 31, "0" * 44, OFF_CURVE, "9" * 128, *RUNTIME_ADDRESSES]:
        answer = ask(house, amount="1", destination=destination)
        assert answer.problem == (400, "bad-destination"), destination
    assert untouched(house)


def test_an_address_of_ours_gets_nothing(house: House) -> None:
    own = house.user("alice")
    for destination, what in (
        (own, "your own wallet"),
        (house.user("bob"), "a wallet of this platform"),
        (house.treasury, "the treasury"),
        (house.seed.escrow().address, "the escrow"),
    ):
        answer = ask(house, amount="1", destination=destination)
        assert answer.problem == (400, "bad-destination")
        assert what in answer.body["detail"]
    assert untouched(house)


def test_a_new_account_needs_its_rent(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    to = outside()
    answer = ask(house, lamports=RENT - 1, destination=to)
    assert answer.problem == (400, "bad-destination")
    assert "890880" in answer.body["detail"]
    house.airdrop(to, SOL)
    # It exists now, so the rule of the chain is met; ours is that a transaction must be worth it.
    answer = ask(house, lamports=999_999, destination=to)
    assert answer.problem == (409, "too-small")
    assert answer.body["minimum"]["lamports"] == "1000000"
    assert untouched(house)
    assert ask(house, lamports=1_000_000, destination=to).status == 202


def test_more_than_is_available_says_what_is(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    answer = ask(house, amount="2.000000001")
    assert answer.problem == (409, "overdrawn")
    assert answer.body["available"] == {"lamports": "2000000000", "sol": "2"}
    assert untouched(house)


@pytest.mark.parametrize("left", [1, RENT - 1])
def test_dust_must_not_remain(house: House, left: int) -> None:
    house.user("alice", lamports=2 * SOL)
    assert ask(house, lamports=2 * SOL - left).problem == (409, "overdrawn")
    assert untouched(house)
    assert ask(house, lamports=2 * SOL - RENT).status == 202


def test_a_key_that_is_no_key_is_refused(house: House) -> None:
    house.user("alice")
    for key in (None, "", "a" * 129, "ü", "a\tb"):
        answer = house.post("/withdraw", {"amount": "1", "destination": outside()}, key=key)
        assert answer.problem == (400, "malformed"), key
        assert "idempotency-key" in answer.body["detail"]
    assert untouched(house)


def test_the_same_request_gets_the_first_answer(house: House) -> None:
    house.user("alice", lamports=4 * SOL)
    body = {"amount": "1", "destination": outside()}
    # In another order and with other white space, it is the same request.
    spaced = json.dumps(dict(reversed(body.items())), indent=3)
    for number, key in enumerate(["a, b,c", "a" * 128, "~!{}[]"], start=1):
        first = house.post("/withdraw", body, key=key)
        again = house.post("/withdraw", spaced, key=key)
        assert (first.status, again.status) == (202, 202)
        assert first.body == again.body
        assert house.count("payouts") == house.count("audit_log") == number
    assert house.wakes() <= 3


def test_the_first_answer_needs_no_chain_and_no_money(house: House) -> None:
    house.user("alice", lamports=SOL)
    body = {"amount": "max", "destination": outside()}
    first = house.post("/withdraw", body, key="k")
    house.faults(http_503=True)
    try:
        assert house.post("/withdraw", body, key="k").body == first.body
    finally:
        house.faults(http_503=False)


def test_a_key_with_another_body_is_refused(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    assert ask(house, amount="0.1").status == 202
    assert ask(house, amount="0.2").problem == (422, "idempotency-key-reused")
    assert house.count("payouts") == 1


def test_a_key_belongs_to_its_user(house: House) -> None:
    house.user("alice", lamports=SOL)
    house.user("bob", lamports=SOL)
    body = {"amount": "max", "destination": outside()}
    mine = house.post("/withdraw", body, key="k")
    theirs = house.post("/withdraw", body, key="k", sub="bob")
    assert mine.body["withdrawal_id"] != theirs.body["withdrawal_id"]


def test_a_refused_request_leaves_its_key_free(house: House) -> None:
    address = house.user("alice")
    body = {"amount": "1", "destination": outside()}
    assert house.post("/withdraw", body, key="k").problem == (409, "overdrawn")
    house.airdrop(address, SOL)
    assert house.post("/withdraw", body, key="k").status == 202


def test_a_key_in_use_is_told_to_wait(house: House) -> None:
    house.user("alice", lamports=SOL)
    with connect(house.database_url) as other, other.transaction():
        other.execute(
            "INSERT INTO idempotency (user_id, key, route, body_sha256, claimed_at)"
            " VALUES ('alice', 'k', 'x', sha256(''), now())"
        )
        answer = ask(house, amount="0.5")
    assert answer.problem == (409, "still-running")
    assert answer.headers["Retry-After"] == "1"


def test_without_the_chain_nothing_is_accepted(house: House) -> None:
    house.user("alice", lamports=SOL)
    house.get("/balance")
    house.faults(http_503=True)
    try:
        assert ask(house, amount="0.5").problem == (503, "unavailable")
    finally:
        house.faults(http_503=False)
    assert untouched(house)


def test_a_settler_that_cannot_be_woken_fails_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.user("alice", lamports=SOL)
    monkeypatch.setenv("SETTLE_QUEUE_URL", house.settle_queue_url + "-gone")
    forget()
    assert ask(house, amount="0.5").status == 202


def test_only_the_scope_for_it_opens_the_door(house: House) -> None:
    answer = house.post("/withdraw", {}, key="k", scope="wallet:read")
    assert answer.problem == (403, "forbidden")


def test_a_withdrawal_of_somebody_else_does_not_exist(house: House) -> None:
    house.user("alice", lamports=SOL)
    mine = ask(house, amount="0.5").body["withdrawal_id"]
    assert house.get(f"/withdrawals/{mine}", sub="bob").problem == (404, "not-found")
    assert house.get(f"/withdrawals/{uuid4()}").problem == (404, "not-found")
    assert house.get("/withdrawals/not-an-id").problem == (404, "not-found")


def test_the_list_is_paged_without_gaps_or_repeats(house: House) -> None:
    house.user("alice", lamports=5 * SOL)
    made = [ask(house, f"k{n}", amount="0.1").body["withdrawal_id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page = house.get(f"/withdrawals?limit=2{cursor}").body
        seen += [item["withdrawal_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]


def test_movements_show_deposits_and_withdrawals_newest_first(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    house.get("/balance")
    ask(house, amount="0.5")
    first = house.get("/transactions?limit=1").body
    rest = house.get(f"/transactions?limit=1&cursor={first['next_cursor']}").body
    (out,), (came,) = first["items"], rest["items"]
    assert (out["kind"], out["direction"], out["state"]) == ("withdrawal", "out", "PENDING")
    assert (came["kind"], came["direction"], came["amount"]["sol"]) == ("deposit", "in", "2")
    assert came["slot"] > 0
    assert came["signature"] in came["explorer_url"]
    assert rest["next_cursor"] is None


def test_a_page_that_cannot_be_is_refused(house: House) -> None:
    house.user("alice")
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "cursor=AAAA"):
        assert house.get(f"/withdrawals?{query}").problem == (400, "malformed"), query
        assert house.get(f"/transactions?{query}").problem == (400, "malformed"), query


def race(house: House, chain_url: str, asked: list[tuple[UUID, str, int | None]]) -> list[Any]:
    """Withdraw from many threads at once, each with a connection of its own."""
    results: list[Any] = [None] * len(asked)
    start = threading.Barrier(len(asked))
    to = outside()

    def run(number: int) -> None:
        id_, key, lamports = asked[number]
        wanted = Withdrawal(
            id=id_,
            user_id="alice",
            lamports=None if lamports is None else Lamports(lamports),
            destination=to,
            house={},
        )
        digest = hashlib.sha256(str(lamports).encode()).digest()
        claim = Claim(user_id="alice", key=key, route="r", body_sha256=digest)
        with connect(house.database_url) as db:
            start.wait()
            try:
                now = datetime.now(UTC)
                results[number] = withdraw(
                    db,
                    Solana([chain_url]),
                    wanted,
                    claim=claim,
                    rules=BOUNDLESS,
                    demand=lambda: None,
                    now=now,
                )
            except Refusal as refusal:
                results[number] = refusal

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_key_in_many_hands_withdraws_once(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    results = race(house, house.chain_url, [(uuid4(), "k", SOL) for _ in range(8)])
    assert len({json.dumps(result, sort_keys=True) for result in results}) == 1
    assert house.count("payouts") == house.count("audit_log") == 1


@pytest.mark.parametrize("each", [SOL, None])
def test_many_keys_racing_for_one_balance_never_overdraw(house: House, each: int | None) -> None:
    house.user("alice", lamports=2 * SOL)
    results = race(house, house.chain_url, [(uuid4(), f"k{n}", each) for n in range(8)])
    accepted = [result for result in results if isinstance(result, dict)]
    refused = [result for result in results if isinstance(result, Overdrawn)]
    assert len(accepted) == (2 if each else 1)
    assert len(accepted) + len(refused) == 8
    row = house.db.execute(
        "SELECT posted_lamports, reserved_lamports FROM ledger_accounts"
        " WHERE account = 'wallet:alice'"
    ).fetchone()
    assert row == {"posted_lamports": 2 * SOL, "reserved_lamports": 2 * SOL}


def test_no_key_shows_in_anything_that_was_said_or_stored(
    house: House, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    house.user("alice", lamports=SOL)
    ask(house, amount="0.5")
    ask(house, amount="0.5", destination=house.treasury)
    said = capsys.readouterr()
    dump = tmp_path / "dump.txt"
    with dump.open("wb") as file:
        for table in ("user_wallets", "payouts", "idempotency", "audit_log"):
            for row in house.db.execute(f"SELECT {table}::text AS line FROM {table}".encode()):
                file.write(row["line"].encode())
    told = (said.out + said.err).encode() + dump.read_bytes()
    for secret in (house.seed._seed, bytes(house.seed.wallet("alice")._keypair)[:32]):
        assert secret not in told
        assert secret.hex().encode() not in told
