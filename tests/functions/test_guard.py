"""Goal: nobody gets past the door with another's token, an old one, or too often."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
import redis
from solders.keypair import Keypair

from functions.wallet import handler as wallet
from tests.house import SOL, Answer, House, ask, event, forget

NOW_S = int(time.time())


@pytest.fixture
def tight(house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "READS_PER_MINUTE": "5",
        "MONEY_PER_MINUTE": "3",
        "ADDRESS_PER_MINUTE": "12",
    }.items():
        monkeypatch.setenv(name, value)
    house.user("alice", lamports=SOL)
    house.user("bob", lamports=SOL)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    forget()


def get(path: str = "/balance", **rest: Any) -> Answer:
    return ask(wallet.handler, event("GET", f"/api/defi{path}", **rest))


def withdraw(key: str = "k", **rest: Any) -> Answer:
    body = {"amount": "0.01", "destination": str(Keypair().pubkey())}
    headers = {"idempotency-key": key}
    return ask(
        wallet.handler, event("POST", "/api/defi/withdraw", body=body, headers=headers, **rest)
    )


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"iss": "https://another.example"}, "not by https://issuer"),
        ({"iss": "https://issuer/"}, "not by"),
        ({"iss": None}, "not by"),
        ({"iat": str(NOW_S + 10_000), "nbf": None}, "made in the future"),
        ({"exp": str(NOW_S - 5)}, "expired"),
        ({"sub": "a\nb"}, "control characters"),
        ({"sub": "a" * 129}, "1 to 128 characters"),
        ({"sub": ["alice"]}, "1 to 128 characters"),
        ({"sub": 7}, "1 to 128 characters"),
        ({"sub": None}, "1 to 128 characters"),
    ],
)
def test_a_token_that_does_not_hold_opens_nothing(
    house: House, changed: Mapping[str, Any], says: str
) -> None:
    for answer in (get(changed=changed), withdraw(changed=changed)):
        assert answer.problem == (401, "unauthenticated")
        assert says in answer.body["detail"]
    assert house.count("user_wallets") == house.count("payouts") == 0


@pytest.mark.parametrize(
    "issued",
    # Processes that share the tests out must find the same names: the time is not part of one.
    [
        pytest.param(str(NOW_S - 1_000), id="a quarter of an hour ago"),
        *["0", None, "yesterday", "-5", "1e9", "９" * 9, "1" * 13],
    ],
)
def test_an_old_token_reads_and_moves_nothing(house: House, issued: str | None) -> None:
    house.user("alice", lamports=SOL)
    changed = {"iat": issued}
    if issued != "1" * 13:
        assert get(changed=changed).status == 200
    assert withdraw(changed=changed).problem == (401, "token-too-old")
    for method, path in (
        ("POST", "/2fa/enroll"),
        ("POST", "/2fa/confirm"),
        ("POST", "/2fa/recovery-codes"),
        ("DELETE", "/2fa"),
        ("POST", "/allowlist"),
        ("DELETE", "/allowlist/x"),
    ):
        answer = ask(wallet.handler, event(method, f"/api/defi{path}", body={}, changed=changed))
        assert answer.problem == (401, "token-too-old"), path
    body = {"content_id": "clip", "quality": "1080p", "amount": 1}
    assert house.post("/invest", body, key="k", changed=changed).problem[1] == "token-too-old"
    assert house.count("payouts") == house.count("second_factors") == 0


def test_the_age_of_a_token_is_a_setting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.user("alice", lamports=SOL)
    changed = {"iat": str(int(time.time()) - 100)}
    assert withdraw("a", changed=changed).status == 202
    monkeypatch.setenv("MONEY_TOKEN_AGE_S", "60")
    forget()
    assert withdraw("b", changed=changed).problem == (401, "token-too-old")


@pytest.mark.usefixtures("tight")
def test_every_answer_says_how_much_room_is_left() -> None:
    first = get()
    assert first.headers["RateLimit-Policy"] == '"reads";q=5;w=60'
    assert first.headers["RateLimit"].startswith('"reads";r=4;t=')
    refused = get("/withdrawals/nothing")
    assert refused.problem == (404, "not-found")
    assert refused.headers["RateLimit"].startswith('"reads";r=3;t=')


@pytest.mark.usefixtures("tight")
def test_who_asks_too_often_is_told_when_there_is_room_again() -> None:
    assert [get().status for _ in range(6)] == [200] * 5 + [429]
    refused = get()
    assert refused.problem == (429, "too-many-requests")
    assert 55 <= int(refused.headers["Retry-After"]) <= 65
    assert "at most 5 requests (reads) in 60 seconds" in refused.body["detail"]
    assert refused.headers["RateLimit-Policy"] == '"reads";q=5;w=60'
    assert refused.headers["RateLimit"] == f'"reads";r=0;t={refused.headers["Retry-After"]}'
    # What moves money has room of its own, and so has everybody else.
    assert withdraw().status == 202
    assert get(sub="bob").status == 200


def test_what_moves_money_is_counted_apart_and_more_strictly(house: House, tight: None) -> None:
    answers = [withdraw(f"k{number}") for number in range(5)]
    assert [answer.status for answer in answers] == [202] * 3 + [429] * 2
    assert house.count("payouts") == 3
    headers = {"second-factor": "123456"}
    answer = ask(wallet.handler, event("DELETE", "/api/defi/2fa", headers=headers))
    assert answer.problem == (429, "too-many-requests")


@pytest.mark.usefixtures("tight")
def test_an_address_has_its_limit_whoever_asks_from_there() -> None:
    there = "198.51.100.7"
    statuses = [get(sub=f"user{n}", source_ip=there).status for n in range(14)]
    # They have no wallets: what is refused is counted, too.
    assert statuses == [409] * 12 + [429] * 2
    forged = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"}
    assert get(sub="carol", source_ip=there, headers=forged).status == 429
    assert get(sub="carol", source_ip="198.51.100.8").status == 409


@pytest.mark.usefixtures("tight")
def test_the_addresses_of_one_household_are_one() -> None:
    statuses = [get(sub=f"user{n}", source_ip=f"2001:db8:1:2:{n:x}::1").status for n in range(13)]
    assert statuses == [409] * 12 + [429]
    assert get(sub="carol", source_ip="2001:db8:1:3::1").status == 409


def test_without_redis_money_stays_and_reading_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.user("alice", lamports=SOL)
    phone_routes = ("/2fa/enroll", "/allowlist")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    forget()
    read = get()
    assert read.status == 200
    assert "RateLimit" not in read.headers
    refused = withdraw()
    assert refused.problem == (503, "unavailable")
    assert "rate limiter" in refused.body["detail"]
    assert refused.headers["Retry-After"] == "5"
    for path in phone_routes:
        answer = ask(wallet.handler, event("POST", f"/api/defi{path}", body={}))
        assert answer.problem == (503, "unavailable"), path
    body = {"content_id": "clip", "quality": "1080p", "amount": 1}
    assert house.post("/invest", body, key="k").problem == (503, "unavailable")
    assert house.count("payouts") == house.count("idempotency") == house.count("audit_log") == 0
