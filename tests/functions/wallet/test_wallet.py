"""Goal: a user has one address, the same at every call, and sees only what is theirs."""

import base64

import boto3
import pytest

from tests.house import RENT, SOL, House, forget


def test_the_first_call_makes_the_wallet_and_the_next_gives_it_again(house: House) -> None:
    first, second = house.get("/wallet"), house.get("/wallet")
    assert first.status == 200
    assert first.body == second.body
    assert first.body["user_id"] == "alice"
    assert first.body["address"] == house.seed.wallet("alice").address
    assert first.body["network"] == "localnet"
    assert first.body["two_factor"] == {
        "required": False,
        "enrolled": False,
        "recovery_codes_left": 0,
        "withdrawals_frozen_until": None,
    }
    assert first.body["created_at"].endswith("Z")
    assert first.body["address"] in first.body["explorer_url"]
    assert house.count("user_wallets") == 1


def test_a_wallet_is_counted_once(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.get("/wallet")
    assert "WalletsCreated" in capsys.readouterr().out
    house.get("/wallet")
    assert "WalletsCreated" not in capsys.readouterr().out


@pytest.mark.parametrize("user_id", ["a/../b", "ünïcode-用户", "'; DROP TABLE x; --", "a" * 128])
def test_a_strange_user_id_is_a_user_id(house: House, user_id: str) -> None:
    address = house.user(user_id)
    assert address == house.seed.wallet(user_id).address


def test_another_seed_is_noticed_before_anybody_is_told_an_address(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.user("alice")
    other = boto3.client("secretsmanager").create_secret(
        Name=f"other-{house.treasury}", SecretString=base64.b64encode(bytes(64)).decode()
    )
    monkeypatch.setenv("MASTER_SEED_ARN", other["ARN"])
    forget()
    assert house.get("/wallet").problem == (500, "internal")


def test_without_the_keys_there_is_no_wallet(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_SEED_ARN", "arn:aws:secretsmanager:us-east-1:1:secret:none")
    forget()
    answer = house.get("/wallet")
    assert answer.problem == (503, "unavailable")
    assert "key store" in answer.body["detail"]
    assert house.count("user_wallets") == 0


def test_without_the_database_there_is_an_outage(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x:secret@127.0.0.1:1/x")
    forget()
    answer = house.get("/wallet")
    assert answer.problem == (503, "unavailable")
    assert "secret" not in str(answer.body)


def test_a_balance_before_the_wallet_says_how_to_make_one(house: House) -> None:
    answer = house.get("/balance")
    assert answer.problem == (409, "wallet-missing")
    assert "/api/defi/wallet" in answer.body["detail"]


def test_an_empty_wallet_has_zeros_and_a_slot(house: House) -> None:
    address = house.user("alice")
    answer = house.get("/balance")
    assert answer.status == 200
    zero = {"lamports": "0", "sol": "0"}
    assert answer.body["address"] == address
    for name in ("on_chain", "available", "reserved", "pending_earnings", "paid_total"):
        assert answer.body[name] == zero
    assert answer.body["as_of_slot"] >= 0  # a chain that has just begun is at slot 0
    assert answer.body["stale"] is False


def test_a_deposit_is_seen_once(house: House) -> None:
    house.user("alice", lamports=2 * SOL)
    for _ in range(2):
        body = house.get("/balance").body
        assert body["on_chain"] == {"lamports": "2000000000", "sol": "2"}
        assert body["available"] == body["on_chain"]
    assert house.count("deposits") == 1


def test_earnings_show_as_pending_until_they_are_paid(house: House) -> None:
    house.user("alice")
    house.db.execute(
        "INSERT INTO ledger_accounts (account) VALUES ('owed:alice'), ('return:alice')"
    )
    house.db.execute("INSERT INTO ledger_transactions (reference, posted_at) VALUES ('x', now())")
    house.db.execute(
        "INSERT INTO ledger_entries SELECT id, account, lamports FROM ledger_transactions,"
        " (VALUES ('views', -12), ('owed:alice', 7), ('return:alice', 5)) AS e (account, lamports)"
    )
    assert house.get("/balance").body["pending_earnings"]["lamports"] == "12"


@pytest.mark.parametrize("fault", ["http_503", "http_429", "garbage"])
def test_without_the_chain_the_last_known_balance_is_told_as_stale(
    house: House, fault: str
) -> None:
    house.user("alice", lamports=SOL)
    fresh = house.get("/balance").body
    house.faults(**{fault: True})
    try:
        stale = house.get("/balance").body
    finally:
        house.faults(**{fault: False})
    assert stale["stale"] is True
    assert stale["on_chain"] == fresh["on_chain"]
    assert stale["available"] == fresh["available"]
    assert 0 < stale["as_of_slot"] <= fresh["as_of_slot"]


def test_nobody_sees_another_ones_money(house: House) -> None:
    house.user("alice", lamports=RENT)
    house.user("bob")
    assert house.get("/balance", sub="bob").body["on_chain"]["lamports"] == "0"
    assert house.get("/transactions", sub="bob").body == {"items": [], "next_cursor": None}
