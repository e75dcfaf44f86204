"""Fifty withdrawals at once over HTTP, through the real gateway: the chain pays what there was."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
from solders.keypair import Keypair

from pixr.adapters.solana import HttpTransport, Node, Solana
from tests.e2e.conftest import World

SOL = 10**9
HANDS = 50
SETTLE_TIMEOUT_S = 240.0


Asked = list[tuple[str, dict[str, Any]]]


def funded(world: World, lamports: int) -> tuple[str, str]:
    """A new user with money: the name, and the address."""
    user = f"racer-{uuid4().hex[:12]}"
    address = world.get("/wallet", sub=user).json()["address"]
    node = Node(HttpTransport(world.machine.description.solana_rpc_url.split(",")[0]))
    signature = node.call("requestAirdrop", address, lamports)
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        status = node.call("getSignatureStatuses", [signature])["value"][0]
        if status and status["confirmationStatus"] == "finalized":
            return user, address
        time.sleep(0.05)
    raise TimeoutError(signature)


def race(world: World, user: str, asked: list[tuple[str, dict[str, Any]]]) -> list[httpx.Response]:
    """Send all at once, each over a connection of its own."""
    answers: list[httpx.Response | None] = [None] * len(asked)
    start = threading.Barrier(len(asked))
    headers = world.token(user)

    def send(number: int) -> None:
        key, body = asked[number]
        with httpx.Client(base_url=world.http.base_url, timeout=180) as http:
            start.wait()
            answers[number] = http.post(
                "/withdraw", json=body, headers=headers | {"idempotency-key": key}
            )

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


def settled(world: World, user: str, count: int) -> list[dict[str, Any]]:
    """The user's withdrawals, when all of them are paid."""
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        items: list[dict[str, Any]] = world.get("/withdrawals?limit=100", user).json()["items"]
        assert len(items) == count
        if all(item["state"] == "PAID" for item in items):
            return items
        time.sleep(0.5)
    raise TimeoutError(f"{Counter(item['state'] for item in items)}")


def held(world: World, address: str) -> int:
    view = Solana(world.machine.description.solana_rpc_url.split(",")).account(address)
    return 0 if view is None else view.lamports


def told(world: World, user: str, asked: Asked, answers: list[httpx.Response]) -> Asked:
    """Ask again, one by one, where the gateway gave up: what was done has its first answer.

    Fifty cold starts at once take longer than a gateway waits on a busy machine.
    """
    gave_up = [
        request
        for request, answer in zip(asked, answers, strict=True)
        if answer.status_code in (502, 503, 504)
    ]
    for key, body in gave_up:
        answers += race(world, user, [(key, body)])
    return gave_up


def test_fifty_keys_for_one_balance_never_overdraw(world: World) -> None:
    user, address = funded(world, 5 * SOL)
    there = [str(Keypair().pubkey()) for _ in range(2)]
    asked: Asked = [
        (f"key-{number}", {"amount": "1", "destination": there[number % 2]})
        for number in range(HANDS)
    ]
    # Somebody asks for everything in the middle of it.
    asked[HANDS // 2] = ("key-max", {"amount": "max", "destination": there[0]})
    answers = race(world, user, asked)
    told(world, user, asked, answers)
    accepted = {
        answer.json()["withdrawal_id"]: int(answer.json()["amount"]["lamports"])
        for answer in answers
        if answer.status_code == 202
    }
    refused = Counter(
        answer.json()["code"] for answer in answers if 400 <= answer.status_code < 500
    )
    assert set(refused) <= {"overdrawn", "still-running"}, refused
    taken = sum(accepted.values())
    assert 4 * SOL < taken <= 5 * SOL
    paid = settled(world, user, len(accepted))
    assert {item["withdrawal_id"] for item in paid} == set(accepted)
    assert sum(held(world, destination) for destination in there) == taken
    assert held(world, address) == 5 * SOL - taken


def test_one_key_in_fifty_hands_withdraws_once(world: World) -> None:
    user, address = funded(world, 2 * SOL)
    there = str(Keypair().pubkey())
    asked: Asked = [("the-key", {"amount": "0.5", "destination": there})] * HANDS
    answers = race(world, user, asked)
    told(world, user, asked, answers)
    accepted = {answer.json()["withdrawal_id"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == 1
    refused = {answer.json()["code"] for answer in answers if 400 <= answer.status_code < 500}
    assert refused <= {"still-running"}
    settled(world, user, 1)
    assert held(world, there) == SOL // 2
    assert held(world, address) == 2 * SOL - SOL // 2
