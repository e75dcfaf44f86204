"""Goal: what leaves a wallet for upgrades without its owner's phone is one small sum a day."""

import threading
from typing import Any

import pytest

from pixr.domain.errors import SecondFactorNeeded
from tests.functions.api.investors import LONG, put, race
from tests.functions.api.studio import pin_escrow, publish
from tests.house import RENT, SOL, House, forget
from tests.phone import enrolled


def test_above_a_small_sum_an_investment_takes_a_code(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    monkeypatch.setenv("REQUIRE_2FA", "true")
    monkeypatch.setenv("SMALL_WITHDRAWAL_SOL", "0.001")
    forget()
    assert put(house, "small", lamports=SOL // 1000).status == 202
    house.db.execute("UPDATE content_investments SET created_at = created_at - interval '1 day'")
    assert put(house, lamports=SOL // 1000 + 1).problem == (403, "second-factor-missing")
    phone, _ = enrolled(house)
    assert put(house, lamports=SOL // 1000 + 1).problem == (401, "second-factor-needed")
    wrong = phone.wrong()
    assert put(house, lamports=SOL // 1000 + 1, totp_code=wrong).problem == (401, "wrong-code")
    code = phone.code()
    assert put(house, lamports=2 * SOL, totp_code=code).problem == (409, "overdrawn")
    assert put(house, lamports=SOL // 1000 + 1, totp_code=code).status == 202


def test_many_small_sums_of_a_day_are_a_large_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    monkeypatch.setenv("REQUIRE_2FA", "true")
    monkeypatch.setenv("SMALL_WITHDRAWAL_SOL", "0.002")
    forget()
    assert [put(house, f"k{n}", lamports=RENT).status for n in range(3)] == [202, 202, 403]
    # What came of it does not matter: asking must not be free.
    house.db.execute("UPDATE content_investments SET state = 'CANCELLED'")
    assert put(house, "again", lamports=RENT).problem == (403, "second-factor-missing")
    house.db.execute("UPDATE content_investments SET created_at = created_at - interval '1 day'")
    assert put(house, "tomorrow", lamports=RENT).status == 202


def test_small_sums_at_once_are_one_sum(house: House) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    house.user("bob", lamports=SOL)
    assert put(house, "first", sub="bob", lamports=RENT).status == 202
    results: list[Any] = [None] * 6
    start = threading.Barrier(len(results))

    def meet() -> None:
        raise SecondFactorNeeded("a code")

    def run(number: int) -> None:
        results[number] = race("alice", house, start, key=f"k{number}", demand=meet)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, SecondFactorNeeded) for result in results) == 4
    assert house.count("content_investments") == 1 + 2


def test_after_the_factor_was_removed_no_large_sum_is_invested_for_a_day(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(house, frames=LONG)
    pin_escrow(house)
    house.user("alice", lamports=SOL)
    monkeypatch.setenv("REQUIRE_2FA", "true")
    monkeypatch.setenv("SMALL_WITHDRAWAL_SOL", "0.001")
    forget()
    _, recovery = enrolled(house)
    assert house.delete("/2fa", headers={"recovery-code": recovery[0]}).status == 204
    house.db.execute("DELETE FROM totp_used")
    phone, _ = enrolled(house)
    code = phone.code()
    refused = put(house, lamports=2 * RENT, totp_code=code)
    assert refused.problem == (403, "withdrawals-frozen")
    house.db.execute("UPDATE second_factor_guards SET frozen_until = now()")
    assert put(house, lamports=2 * RENT, totp_code=code).status == 202
