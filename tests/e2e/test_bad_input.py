"""What comes to the front door and must not come in: each refused as a problem document."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import rsa

from pixr.adapters.redis import PACKS
from pixr.local.issuer import AUDIENCE
from tests.e2e.conftest import ALL_SCOPES, World

NOW = datetime.now(UTC)
"""When the tests were collected; the suite may take many minutes from there."""
GOOD = {
    "event_id": "event-1",
    "content_id": "film",
    "viewer_id": "viewer",
    "watched_seconds": 30,
    "occurred_at": NOW.isoformat(),
}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The answer as a whole problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] == f"/problems/{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"]
    return body


def depth(world: World) -> int:
    with redis.Redis.from_url(world.machine.description.redis_url) as client:
        return int(client.xlen(PACKS))


def test_malformed_json(world: World) -> None:
    answer = world.http.post("/views", content='{"events": [', headers=world.token("player"))
    assert problem(answer, 400)["code"] == "malformed"


def test_no_token(world: World) -> None:
    assert "missing" in problem(world.http.get("/wallet"), 401)["detail"]


def test_a_token_that_is_none(world: World) -> None:
    problem(world.http.get("/wallet", headers={"authorization": "Bearer nonsense"}), 401)


def test_a_forged_token(world: World) -> None:
    """Signed by another key, under the key id and with the claims of the real issuer."""
    real = world.machine.token("alice", ALL_SCOPES)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(
        jwt.decode(real, options={"verify_signature": False}),
        key,
        algorithm="RS256",
        headers={"kid": jwt.get_unverified_header(real)["kid"]},
    )
    assert AUDIENCE == "pixr"
    problem(world.http.get("/wallet", headers={"authorization": f"Bearer {forged}"}), 401)


def test_an_expired_token(world: World) -> None:
    headers = world.token("alice", ttl_s=-60)
    assert "expired" in problem(world.http.get("/wallet", headers=headers), 401)["detail"]


def test_the_wrong_scope(world: World) -> None:
    answer = world.http.get("/wallet", headers=world.token("alice", "stats:read"))
    assert "wallet:read" in problem(answer, 403)["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/wallet/extra", "/withdrawals/x/y"])
def test_an_unknown_route(world: World, path: str) -> None:
    problem(world.get(path), 404)


def test_somebody_elses_content_id(world: World) -> None:
    made = world.post("/uploads", {"file_name": "film.mp4"}, sub="alice")
    assert made.status_code == 201
    body = {"file_name": "film.mp4", "content_id": made.json()["content_id"]}
    problem(world.post("/uploads", body, sub="mallory"), 404)


def test_somebody_elses_withdrawal(world: World) -> None:
    problem(world.get("/withdrawals/00000000-0000-4000-8000-000000000000", sub="mallory"), 404)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"event_id": None}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"watched_seconds": -1}, "watched_seconds"),
        ({"occurred_at": (NOW + timedelta(hours=1)).isoformat()}, "occurred_at"),
        ({"occurred_at": (NOW - timedelta(days=8)).isoformat()}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"viewer_id": 7}, "viewer_id"),
        ({"extra": 1}, "extra"),
    ],
)
def test_one_bad_event_refuses_all_and_is_named(
    world: World, change: dict[str, object], rule: str
) -> None:
    bad = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    before = depth(world)
    answer = world.post("/views", {"events": [GOOD, GOOD, bad]}, sub="player")
    body = problem(answer, 400)
    assert any("2" in error["field"] and rule in error["field"] for error in body["errors"]), body
    assert depth(world) <= before


def test_a_body_that_is_too_large(world: World) -> None:
    answer = world.http.post(
        "/views", content=b"x" * (11 * 1024 * 1024), headers=world.token("player")
    )
    problem(answer, 413)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"this is text, not a film\n" * 1000, "video")],
)
def test_an_upload_that_is_no_video_is_rejected_once(
    world: World, content: bytes, said: str
) -> None:
    grant = world.post("/uploads", {"file_name": "film.mp4"}).json()
    httpx.put(grant["url"], content=content, timeout=30).raise_for_status()
    row = None
    for _ in range(240):
        row = world.db.execute(
            "SELECT state, reason FROM uploads WHERE upload_id = %s", (grant["upload_id"],)
        ).fetchone()
        assert row is not None
        if row["state"] == "rejected":
            break
        time.sleep(0.25)
    assert row is not None
    assert row["state"] == "rejected"
    upload = world.get(f"/content/{grant['content_id']}").json()["upload"]
    assert upload["state"] == "rejected"
    assert said in upload["reason"]
