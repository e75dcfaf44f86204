"""Goal: an upgrade gets exactly its price, from whoever was first, and every lamport once."""

import json
import threading
from typing import Any
from uuid import uuid4

import pytest

from pixr.domain.errors import Overfunded
from tests.functions.api.investors import LONG, put, race
from tests.functions.api.studio import pin_escrow, publish, start_job
from tests.house import RENT, SOL, House, forget


def price(house: House) -> int:
    offers = house.get("/content/clip/upgrades").body["upgrades"]
    return next(int(o["price"]["lamports"]) for o in offers if o["quality"] == "1080p")


def untouched(house: House) -> bool:
    tables = ("payouts", "fundings", "content_investments", "idempotency", "audit_log")
    return not any(house.count(table) for table in tables)


def test_an_investment_is_reserved_promised_and_wakes_the_settler(house: House) -> None:
    publish(house)
    escrow = pin_escrow(house)
    house.user("alice", lamports=SOL)
    whole = price(house)
    answer = put(house, lamports=RENT)
    assert answer.status == 202
    assert answer.body["state"] == "RESERVED"
    assert answer.body["funded"]["lamports"] == str(RENT)
    assert answer.body["open"]["lamports"] == str(whole - RENT)
    assert house.wakes() == 1
    payout = house.db.execute("SELECT * FROM payouts").fetchone()
    assert payout is not None
    assert (payout["kind"], payout["destination"], payout["lamports"]) == (
        "investment",
        escrow,
        RENT,
    )
    assert str(payout["investment_id"]) == answer.body["investment_id"]
    held = house.get("/balance").body
    assert held["reserved"]["lamports"] == str(RENT)
    (mine,) = house.get("/investments").body["items"]
    assert mine["investment_id"] == answer.body["investment_id"]
    assert mine["return_cap"]["lamports"] == str(RENT * 3 // 2)
    assert mine["progress_percent"] is None
    offers = house.get("/content/clip/upgrades").body["upgrades"]
    assert next(o["open"]["lamports"] for o in offers if o["quality"] == "1080p") == str(
        whole - RENT
    )


@pytest.mark.parametrize(
    ("cap_bps", "cap_lamports"), [("20000", str(2 * RENT)), ("10001", "890969"), ("0", None)]
)
def test_returns_stop_where_the_setting_says_when_one_invests(
    house: House, monkeypatch: pytest.MonkeyPatch, cap_bps: str, cap_lamports: str | None
) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    monkeypatch.setenv("RETURN_CAP_BPS", cap_bps)
    forget()
    assert put(house, lamports=RENT).status == 202
    monkeypatch.delenv("RETURN_CAP_BPS")
    forget()
    (mine,) = house.get("/investments").body["items"]
    assert (mine["return_cap"] and mine["return_cap"]["lamports"]) == cap_lamports


def test_the_first_investor_fixes_the_price(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    house.user("bob", lamports=SOL)
    whole = price(house)
    put(house, lamports=RENT)
    # Nobody knows the price of SOL any more, and the second investor does not need it.
    monkeypatch.delenv("SOL_USD")
    forget()
    answer = put(house, sub="bob", lamports=whole - RENT)
    assert answer.status == 202
    assert answer.body["price"]["lamports"] == str(whole)
    assert answer.body["open"]["lamports"] == "0"


def test_more_than_is_open_is_told_how_much_is(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    whole = price(house)
    answer = put(house, lamports=whole + 1)
    assert answer.problem == (409, "overfunded")
    assert answer.body["open"]["lamports"] == str(whole)
    assert untouched(house)
    put(house, lamports=whole)
    answer = put(house, "k2", lamports=RENT)
    assert answer.problem == (409, "overfunded")
    assert answer.body["open"]["lamports"] == "0"


@pytest.mark.parametrize(
    ("quality", "code"),
    [("480p", "no-gain"), ("2160p", "no-gain"), (1440, "no-gain")],
)
def test_nothing_is_sold_that_shows_nothing_new(house: House, quality: Any, code: str) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice")
    assert put(house, lamports=RENT, quality=quality).problem == (409, code)
    assert untouched(house)


def test_a_rung_that_was_seen_to_hold_nothing_is_not_sold(house: House) -> None:
    publish(house, detail={720: 4_500, 1080: 3_000})
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    answer = put(house, lamports=RENT, quality="720p")
    assert answer.problem == (409, "no-gain")
    assert "45.00 dB" in answer.body["detail"]
    assert untouched(house)
    assert put(house, lamports=RENT, quality="1080p").status == 202


def test_what_a_job_makes_already_is_not_sold(house: House) -> None:
    """The upload's own job is at work on 480p, which is not there yet: it will be, for nothing."""
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    house.db.execute("DELETE FROM renditions")
    house.db.execute(
        "UPDATE upgrade_jobs SET state = 'ENCODING', chunks_done = 0, closed_at = NULL"
    )
    answer = put(house, lamports=RENT, quality="480p")
    assert answer.problem == (409, "being-made")
    assert untouched(house)
    # When that job fails the rung is for sale.
    house.db.execute("UPDATE upgrade_jobs SET state = 'FAILED', reason = 'no', closed_at = now()")
    assert put(house, lamports=RENT, quality="480p").status == 202


def test_what_a_job_has_begun_to_make_takes_no_more_money(house: House) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    put(house, lamports=RENT)
    house.db.execute(
        "UPDATE upgrade_jobs SET rung = 1080, state = 'ENCODING', chunks_done = 0, closed_at = NULL"
    )
    assert put(house, "k2", lamports=RENT).problem == (409, "being-made")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"lamports": RENT, "quality": "999p"}, "quality"),
    ({"lamports": RENT, "quality": "1080P"}, "quality"),
    ({"lamports": RENT, "quality": "١٠٨٠"}, "quality"),
    ({"lamports": RENT, "quality": 1080.5}, "quality"),
    ({"lamports": RENT, "quality": None}, "quality"),
    ({"lamports": RENT, "quality": [1080]}, "quality"),
    ({"lamports": RENT, "content_id": "../x"}, "content_id"),
    ({"amount": "max"}, "amount"),
    ({"amount": 0}, "amount"),
    ({}, "amount"),
]


def test_what_is_no_investment_is_refused(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice")
    for body, field in BAD:
        answer = put(house, **body)
        assert answer.problem == (400, "malformed"), body
        assert answer.body["errors"][0]["field"] == field, body
    assert put(house, lamports=RENT, content_id="none").problem == (404, "not-found")
    assert untouched(house)


def test_the_wallet_comes_first(house: House) -> None:
    publish(house)
    pin_escrow(house)
    assert put(house, lamports=RENT).problem == (409, "wallet-missing")


def test_before_the_settler_ran_nothing_is_taken(house: House) -> None:
    publish(house)
    house.user("alice", lamports=SOL)
    answer = put(house, lamports=RENT)
    assert answer.problem == (503, "settlement-not-started")
    assert answer.headers["Retry-After"] == "60"
    assert untouched(house)


def test_a_part_must_be_worth_a_transaction(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    answer = put(house, lamports=RENT - 1)
    assert answer.problem == (409, "too-small")
    assert answer.body["minimum"]["lamports"] == str(RENT)
    assert "the least one can invest" in answer.body["detail"]
    assert untouched(house)


def test_a_part_must_not_leave_too_small_a_part_to_others(house: House) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    answer = put(house, lamports=price(house) - RENT + 1)
    assert answer.problem == (409, "too-small")
    assert f"invest all {price(house)}" in answer.body["detail"]
    assert untouched(house)


@pytest.mark.parametrize("lamports", [SOL + 1, SOL - 1, SOL - RENT + 1])
def test_a_wallet_is_neither_overdrawn_nor_left_with_dust(house: House, lamports: int) -> None:
    publish(house, frames=120_000_000)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    assert price(house) > 2 * SOL
    assert put(house, lamports=lamports).problem == (409, "overdrawn")
    assert untouched(house)


def test_the_same_request_gets_the_first_answer(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    first = put(house, lamports=RENT)
    assert put(house, lamports=RENT).body == first.body
    assert put(house, lamports=RENT + 1).problem == (422, "idempotency-key-reused")
    assert house.count("content_investments") == 1


def test_progress_is_shown_to_those_whom_it_concerns(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    put(house, lamports=price(house))
    job_id = start_job(house, "clip", 1080, done=1, total=2)
    for who in ("alice", "carol"):
        shown = house.get(f"/upgrades/{job_id}", sub=who).body
        assert (shown["state"], shown["progress_percent"], shown["quality"]) == (
            "ENCODING",
            47,
            "1080p",
        )
    assert house.get(f"/upgrades/{job_id}", sub="mallory").problem == (404, "not-found")
    assert house.get(f"/upgrades/{uuid4()}").problem == (404, "not-found")
    assert house.get("/upgrades/x").problem == (404, "not-found")
    (mine,) = house.get("/investments").body["items"]
    assert (mine["job_id"], mine["progress_percent"]) == (str(job_id), 47)


def test_a_job_tells_how_it_is_made_and_what_it_costs(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    put(house, lamports=price(house))
    job_id = start_job(house, "clip", 1080, done=1, total=2)
    bare = house.get(f"/upgrades/{job_id}").body
    assert (bare["frames_done"], bare["frames_total"], bare["kind"]) == (240, 480, "funded")
    assert (bare["way"], bare["way_reason"]) == ("chunks", None)
    told = ("vmaf", "sameness", "estimate", "actual", "analysis_preserved", "reason")
    assert [bare[name] for name in told] == [None] * len(told)
    cost = {"vcpu_ms": 12, "megapixels": 34, "bytes": 56, "usd": "0.000078"}
    house.db.execute(
        "UPDATE upgrade_jobs SET state = 'CONVERTING', way = 'mediaconvert', way_reason = 'HDR',"
        " tuning = %s, sameness = %s, estimate = %s, actual = %s, analysis_before = %s,"
        " analysis_after = %s WHERE id = %s",
        (
            json.dumps({"crf": 21, "target": 95, "tried": {"23": 93.5, "21": 95.25}, "cpu_ms": 9}),
            json.dumps({"verdict": "same", "shift_ms": 0}),
            json.dumps(cost),
            json.dumps({**cost, "usd": "0.000070"}),
            json.dumps({"a": "1"}),
            json.dumps({"a": "1"}),
            job_id,
        ),
    )
    shown = house.get(f"/upgrades/{job_id}").body
    assert (shown["state"], shown["progress_percent"]) == ("CONVERTING", 47)
    assert (shown["way"], shown["way_reason"]) == ("mediaconvert", "HDR")
    assert shown["vmaf"] == {
        "target": 95,
        "found": 95.25,
        "crf": 21,
        "tried": {"23": 93.5, "21": 95.25},
    }
    assert shown["sameness"] == {"verdict": "same", "shift_ms": 0}
    assert (shown["estimate"], shown["actual"]["usd"]) == (cost, "0.000070")
    assert shown["analysis_preserved"] is True


def test_investors_racing_for_the_last_part_never_overfund(house: House) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    whole = price(house)
    users = [f"user{number}" for number in range(6)]
    for user in users:
        house.user(user, lamports=SOL)
    assert put(house, sub=users[0], lamports=whole - RENT).status == 202
    results: list[Any] = [None] * len(users)
    start = threading.Barrier(len(users))

    def run(number: int) -> None:
        results[number] = race(users[number], house, start)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [result for result in results if isinstance(result, Overfunded)]
    assert len(refused) == len(users) - 1
    assert all(refusal.open_lamports == 0 for refusal in refused)
    row = house.db.execute("SELECT funded_lamports, price_lamports FROM fundings").fetchone()
    assert row == {"funded_lamports": whole, "price_lamports": whole}
    sums = house.db.execute("SELECT sum(lamports) AS n FROM content_investments").fetchone()
    assert sums is not None
    assert sums["n"] == whole
