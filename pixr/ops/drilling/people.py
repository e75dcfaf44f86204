"""Users who move money while everything breaks: withdrawals, and investments.

Each asks with an idempotency key and repeats the very request until it is answered, as a careful
client does; some repeat it although it was answered, and must get the first answer again. Each
withdrawal goes to an address that nobody used before, so that the chain itself tells how often it
was paid.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Any, Final

import httpx
from solders.keypair import Keypair

from pixr.domain.errors import StillRunning
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.wallets import WITHDRAWAL_MIN_LAMPORTS
from pixr.ops.story.client import Client, lamports

WITHDRAW_EVERY_S: Final = 1.5
INVEST_EVERY_S: Final = 8.0
TRIES_MAX: Final = 20
RETRY_PAUSE_S: Final = 0.5
REPEAT_SHARE: Final = 5
"""One answered request in so many is sent again."""

MAX_SHARE: Final = 4
"""One withdrawal in so many takes everything."""

CLOSE_TIMEOUT_S: Final = 70.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to move money, and the answer that came in the end."""

    user_id: str
    key: str
    body: dict[str, Any]
    status: int | None
    """None: never answered; it may or may not have been taken."""
    answer: dict[str, Any]

    @property
    def is_accepted(self) -> bool:
        """Whether it was promised."""
        return self.status == HTTPStatus.ACCEPTED


class Asker:
    """Repeats one act in a thread of its own until closed.

    Args:
        name: Of the thread.
        act: Does it once and returns what was asked, or None when there was nothing to ask.
        every_s: Seconds between two.
    """

    def __init__(self, name: str, act: Callable[[Asker], None], *, every_s: float) -> None:
        self.name = name
        self.asked: list[Asked] = []
        self.answers: Counter[str] = Counter()
        self.contradictions: list[str] = []
        """Repeated requests that were answered differently."""
        self._act = act
        self._every_s = every_s
        self._closing = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self, *, timeout_s: float) -> bool:
        """Ask for nothing new; False when the last request does not end in time."""
        self._ending.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop at once."""
        self._closing.set()
        self._ending.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def ask(self, client: Client, path: str, body: dict[str, Any], *, key: str) -> Asked:
        """Send a request until it is answered with anything but an outage."""
        status: int | None = None
        answer: dict[str, Any] = {}
        for _ in range(TRIES_MAX):
            response = self._try(client, path, body, key=key)
            if response is not None and _is_final(response):
                status, answer = response.status_code, response.json()
                break
            if self._closing.wait(RETRY_PAUSE_S):
                break
        asked = Asked(user_id=client.name, key=key, body=body, status=status, answer=answer)
        self.asked.append(asked)
        return asked

    def ask_again(self, client: Client, path: str, asked: Asked) -> None:
        """Send an accepted request once more: the answer must be the first one."""
        response = self._try(client, path, asked.body, key=asked.key)
        if response is None or not _is_final(response):
            return
        if response.status_code != asked.status or response.json() != asked.answer:
            self.contradictions.append(
                f"{asked.user_id} repeated {asked.key}: {asked.status} {asked.answer}, then"
                f" {response.status_code} {response.text[:200]}"
            )

    def look(self, client: Client, path: str) -> Any:
        """GET something; None in an outage."""
        try:
            response = client.try_get(path)
        except httpx.TransportError:
            return None
        return response.json() if response.is_success else None

    def _try(
        self, client: Client, path: str, body: dict[str, Any], *, key: str
    ) -> httpx.Response | None:
        try:
            response = client.try_post(path, body, key=key)
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return None
        self.answers[str(response.status_code)] += 1
        return response

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            self._act(self)


def _is_final(response: httpx.Response) -> bool:
    """Whether another try with the same key could not be answered otherwise."""
    if response.is_server_error or response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return False
    is_refused = response.status_code == HTTPStatus.CONFLICT
    return not (is_refused and response.json().get("code") == StillRunning.code)


def withdrawing(clients: Sequence[Client], seed: int) -> Asker:
    """Creators who take their money out, some of it or all."""
    random = Random(f"{seed}:withdrawals")  # noqa: S311 -- load, no secret

    def act(asker: Asker) -> None:
        client = random.choice(clients)
        balance = asker.look(client, "/balance")
        if balance is None:
            return
        amount = _some(random, lamports(balance["available"]))
        if amount is None:
            return
        destination = str(Keypair.from_seed(random.randbytes(32)).pubkey())
        key = f"withdrawal-{len(asker.asked)}"
        body = {"destination": destination, **amount}
        asked = asker.ask(client, "/withdraw", body, key=key)
        if asked.is_accepted and random.randrange(REPEAT_SHARE) == 0:
            asker.ask_again(client, "/withdraw", asked)

    return Asker("withdrawals", act, every_s=WITHDRAW_EVERY_S)


def _some(random: Random, available_lamports: int) -> dict[str, str] | None:
    """Everything, or a part that leaves neither dust nor less than a withdrawal's least."""
    if available_lamports < WITHDRAWAL_MIN_LAMPORTS:
        return None
    most = available_lamports - RENT_EXEMPT_LAMPORTS
    if most <= WITHDRAWAL_MIN_LAMPORTS or random.randrange(MAX_SHARE) == 0:
        return {"amount": "max"}
    return {"lamports": str(random.randint(WITHDRAWAL_MIN_LAMPORTS, most))}


def investing(clients: Sequence[Client], contents: Sequence[str], seed: int) -> Asker:
    """Investors who buy what is offered of some contents, part by part."""
    random = Random(f"{seed}:investments")  # noqa: S311 -- load, no secret

    def act(asker: Asker) -> None:
        client, content_id = random.choice(clients), random.choice(contents)
        found = asker.look(client, f"/content/{content_id}/upgrades")
        offers = [offer for offer in (found or {}).get("upgrades", ()) if _open(offer)]
        if not offers:
            return
        offer = random.choice(offers)
        part = _part(random, _open(offer))
        body = {"content_id": content_id, "quality": offer["quality"], "lamports": str(part)}
        asked = asker.ask(client, "/invest", body, key=f"investment-{len(asker.asked)}")
        if asked.is_accepted and random.randrange(REPEAT_SHARE) == 0:
            asker.ask_again(client, "/invest", asked)

    return Asker("investments", act, every_s=INVEST_EVERY_S)


def _open(offer: dict[str, Any]) -> int:
    """Lamports that an offered rung still needs; 0 when there is nothing to buy."""
    if not offer["gain"] or offer["state"] not in ("none", "open"):
        return 0
    return lamports(offer["open"] or offer["price"])


def _part(random: Random, open_lamports: int) -> int:
    """A part that is large enough and leaves nothing, or enough for another."""
    most = open_lamports - RENT_EXEMPT_LAMPORTS
    if most < RENT_EXEMPT_LAMPORTS or random.randrange(2) == 0:
        return open_lamports
    return random.randint(RENT_EXEMPT_LAMPORTS, most)
