"""Goal: a stolen session empties no wallet: new addresses get little, others wait for a day."""

from datetime import timedelta
from typing import Any

import pytest
from solders.keypair import Keypair

from tests.house import SOL, Answer, House, forget
from tests.phone import enrolled

LABEL = "My Ledger"


@pytest.fixture(autouse=True)
def pace(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SMALL_WITHDRAWAL_SOL": "1",
        "WITHDRAW_LIMIT_1H_SOL": "5",
        "WITHDRAW_LIMIT_24H_SOL": "8",
        "WITHDRAWALS_1H_MAX": "4",
        "WITHDRAWALS_24H_MAX": "6",
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    house.user("alice", lamports=20 * SOL)


def outside() -> str:
    return str(Keypair().pubkey())


def withdraw(house: House, key: str, sol: Any, to: str | None = None) -> Answer:
    return house.post("/withdraw", {"amount": sol, "destination": to or outside()}, key=key)


def listed(house: House, to: str, **rest: Any) -> Answer:
    return house.post("/allowlist", {"destination": to, "label": LABEL, **rest})


def trusted(house: House) -> str:
    to = outside()
    assert listed(house, to).status == 201
    later(house, hours=24)
    return to


def later(house: House, hours: float) -> None:
    """Let time pass for the allow-list and for what was withdrawn."""
    shift = timedelta(hours=hours)
    house.db.execute(
        "UPDATE allowlist SET added_at = added_at - %s, usable_at = usable_at - %s", [shift, shift]
    )
    house.db.execute("UPDATE payouts SET created_at = created_at - %s", [shift])


def test_new_addresses_get_a_small_sum_in_all(house: House) -> None:
    assert withdraw(house, "a", "0.6").status == 202
    refused = withdraw(house, "b", "0.5")
    assert refused.problem == (409, "new-destination")
    assert refused.body["allowed"] == {"lamports": "400000000", "sol": "0.4"}
    assert withdraw(house, "b", "0.4").status == 202
    assert withdraw(house, "c", "0.001").problem == (409, "new-destination")
    later(house, hours=24)
    assert withdraw(house, "c", "1").status == 202


def test_a_listed_address_gets_any_sum_after_a_day(house: House) -> None:
    to = outside()
    entry = listed(house, to)
    assert entry.status == 201
    assert (entry.body["destination"], entry.body["label"]) == (to, LABEL)
    cooling = withdraw(house, "a", "4", to)
    assert cooling.problem == (409, "new-destination")
    assert entry.body["usable_at"][:19] in cooling.body["detail"]
    later(house, hours=23.9)
    assert withdraw(house, "a", "4", to).problem == (409, "new-destination")
    later(house, hours=0.1)
    assert withdraw(house, "a", "4", to).status == 202
    # What went to a trusted address takes nothing of what new ones may get.
    assert withdraw(house, "b", "1").status == 202


def test_listing_an_address_does_not_forgive_what_it_got_before(house: House) -> None:
    to = outside()
    assert withdraw(house, "a", "1", to).status == 202
    assert listed(house, to).status == 201
    assert withdraw(house, "b", "0.5").problem == (409, "new-destination")


def test_an_hour_and_a_day_have_their_sums(house: House) -> None:
    to = trusted(house)
    assert withdraw(house, "a", "3", to).status == 202
    refused = withdraw(house, "b", "2.5", to)
    assert refused.problem == (429, "withdrawal-limit")
    assert refused.body["allowed"]["sol"] == "2"
    assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    later(house, hours=1)
    assert withdraw(house, "b", "4", to).status == 202
    later(house, hours=1)
    refused = withdraw(house, "c", "1.5", to)
    assert refused.problem == (429, "withdrawal-limit")
    assert refused.body["allowed"]["sol"] == "1"
    later(house, hours=22)
    assert withdraw(house, "c", "1.5", to).status == 202


def test_an_hour_and_a_day_have_their_number(house: House) -> None:
    to = trusted(house)
    for number in range(4):
        assert withdraw(house, f"a{number}", "0.01", to).status == 202
    refused = withdraw(house, "b", "0.01", to)
    assert refused.problem == (429, "withdrawal-limit")
    assert "at most 4 withdrawals in any hour" in refused.body["detail"]
    later(house, hours=1)
    assert withdraw(house, "c", "0.01", to).status == 202
    assert withdraw(house, "d", "0.01", to).status == 202
    refused = withdraw(house, "e", "0.01", to)
    assert "at most 6 withdrawals in any 24 hours" in refused.body["detail"]


def test_max_is_judged_by_what_it_comes_to(house: House) -> None:
    to = trusted(house)
    assert withdraw(house, "a", "max", to).problem == (429, "withdrawal-limit")
    assert house.count("payouts") == 0


def test_the_limits_of_one_user_are_not_those_of_another(house: House) -> None:
    house.user("bob", lamports=2 * SOL)
    assert withdraw(house, "a", "1").status == 202
    body = {"amount": "1", "destination": outside()}
    assert house.post("/withdraw", body, key="a", sub="bob").status == 202


def test_an_address_is_listed_once_and_its_date_stays(house: House) -> None:
    to = outside()
    first = listed(house, to)
    again = listed(house, to, label="another name")
    assert again.problem == (409, "already-listed")
    assert first.body["usable_at"][:19] in again.body["detail"]


def test_what_cannot_be_paid_cannot_be_listed(house: House) -> None:
    own, other = house.user("alice"), house.user("bob")
    for destination in (own, other, house.treasury, house.seed.escrow().address, "1" * 32, "x"):
        assert listed(house, destination).problem == (400, "bad-destination"), destination
    for label in ("", "a" * 65, "a\nb", "\x85", 7):
        assert listed(house, outside(), label=label).problem == (400, "malformed"), label
    assert house.count("allowlist") == 0


def test_a_list_has_an_end(house: House) -> None:
    house.db.execute(
        "INSERT INTO allowlist SELECT 'alice', lpad(n::text, 32, 'z'), 'x', now(), now()"
        " FROM generate_series(1, 50) AS n"
    )
    assert listed(house, outside()).problem == (409, "allowlist-full")


def test_the_list_is_paged_newest_first_and_each_sees_their_own(house: House) -> None:
    made = [outside() for _ in range(5)]
    for to in made:
        assert listed(house, to).status == 201
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page = house.get(f"/allowlist?limit=2{cursor}").body
        seen += [item["destination"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert house.get("/allowlist", sub="bob").body == {"items": [], "next_cursor": None}


def test_what_is_removed_is_new_again(house: House) -> None:
    to = trusted(house)
    assert house.delete(f"/allowlist/{to}", sub="bob").problem == (404, "not-found")
    assert house.delete(f"/allowlist/{to}").status == 204
    assert house.delete(f"/allowlist/{to}").problem == (404, "not-found")
    assert withdraw(house, "a", "2", to).problem == (409, "new-destination")


def test_with_a_second_factor_every_change_takes_a_code(house: House) -> None:
    phone, _ = enrolled(house)
    to = outside()
    assert listed(house, to).problem == (401, "second-factor-needed")
    assert listed(house, to, totp_code=phone.wrong()).problem == (401, "wrong-code")
    assert listed(house, to, totp_code=phone.code()).status == 201
    last = phone.code()
    assert listed(house, to, totp_code=last).problem == (409, "already-listed")
    assert house.delete(f"/allowlist/{to}").problem == (401, "second-factor-needed")
    gone = house.delete(f"/allowlist/{to}", headers={"second-factor": last})
    assert gone.status == 204
    actions = [row["action"] for row in house.db.execute("SELECT action FROM audit_log")]
    assert actions[1:] == ["allowlist.added", "allowlist.removed"]


def test_while_withdrawals_are_frozen_no_address_begins_to_cool_off(house: House) -> None:
    """Or the waits of a thief would end together."""
    phone, _ = enrolled(house)
    assert house.delete("/2fa", headers={"second-factor": phone.code()}).status == 204
    assert listed(house, outside()).problem == (403, "withdrawals-frozen")
    assert house.count("allowlist") == 0
