"""Goal: nothing that can be sent brings a 5xx or half a problem.

Method: bodies of any shape, with our own field names mixed in, through the real handlers.
"""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.api import handler as api
from functions.wallet import handler as wallet
from tests.functions.api.studio import pin_escrow, publish
from tests.house import House, ask, event

WORDS = ["max", "1", "0.5", "clip", "1080p", "2030-01-01T00:00:00Z", "9" * 40]
NAMES = st.sampled_from(
    [
        *("amount", "lamports", "destination", "content_id", "quality", "file_name"),
        *("size_bytes", "events", "event_id", "viewer_id", "watched_seconds", "occurred_at"),
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)
VIEWS = st.fixed_dictionaries({"events": st.lists(OBJECTS, max_size=3)})
BODIES = st.one_of(
    VALUES.map(json.dumps), OBJECTS.map(json.dumps), VIEWS.map(json.dumps), st.text()
)
POSTS = st.sampled_from(["/withdraw", "/invest", "/views", "/uploads"])
GETS = st.sampled_from(
    ["/withdrawals", "/transactions", "/investments", "/earnings", "/content/", "/upgrades/", "/"]
)
UNHURRIED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(status: int, answer: Any) -> None:
    assert status < 500, answer
    if status >= 400:
        assert answer.problem


def test_no_body_and_no_key_brings_down_a_handler(house: House) -> None:
    publish(house)
    pin_escrow(house)
    house.user("alice")

    @UNHURRIED
    @given(POSTS, BODIES, st.text(max_size=130))
    def send(path: str, body: str, key: str) -> None:
        answer = house.post(path, body, key=key)
        check(answer.status, answer)

    send()


def test_no_path_and_no_query_brings_down_a_handler(house: House) -> None:
    house.user("alice")

    @UNHURRIED
    @given(GETS, st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
    def look(path: str, tail: str, limit: str, cursor: str) -> None:
        sent = event("GET", f"/api/defi{path}{tail if path.endswith('/') else ''}")
        sent["queryStringParameters"] = {"limit": limit, "cursor": cursor} if limit else None
        for handler in (wallet.handler, api.handler):
            answer = ask(handler, sent)
            check(answer.status, answer)

    look()
