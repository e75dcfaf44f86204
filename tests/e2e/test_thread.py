"""The thread through every real part: a film, its views, a payment, a way out, all agreeing."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import boto3
import httpx
from solders.keypair import Keypair

from pixr.adapters.solana import Solana
from pixr.ops.verification import verify
from tests.clips import BUNNY, ffmpeg, numbered
from tests.e2e.conftest import World

PATIENCE_S = 120
UNSETTLED: Final[list[Any]] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
]


def wait(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.25)
    raise TimeoutError(f"nothing after {PATIENCE_S} s")


def wake(world: World) -> None:
    """Do not wait for the minute: the settler has a queue by which the API wakes it."""
    queue = boto3.client("sqs")
    queue.send_message(QueueUrl=world.machine.outputs.queue_urls["Settle"], MessageBody="{}")


def upload(world: World, path: Path, sub: str) -> dict[str, Any]:
    grant: dict[str, Any] = world.post("/uploads", {"file_name": path.name}, sub=sub).json()
    httpx.put(grant["url"], content=path.read_bytes(), timeout=30).raise_for_status()
    return grant


def views(content_id: str, count: int) -> list[dict[str, object]]:
    now = datetime.now(UTC).isoformat()
    return [
        {
            "event_id": f"{content_id}-{number}",
            "content_id": content_id,
            "viewer_id": f"viewer-{number}",
            "watched_seconds": 2.5,
            "occurred_at": now,
        }
        for number in range(count)
    ]


def lamports(world: World, sub: str, field: str) -> int:
    return int(world.get("/balance", sub).json()[field]["lamports"])


def test_a_film_earns_and_its_creator_takes_the_money_out(world: World, tmp_path: Path) -> None:
    creator = f"creator-{uuid4()}"
    address = world.get("/wallet", creator).json()["address"]
    film = numbered(tmp_path / "film.mp4", seconds=4, size="640x480")
    content_id = upload(world, film, creator)["content_id"]
    content = wait(
        lambda: (
            found
            if (found := world.get(f"/content/{content_id}").json())["state"] == "live"
            else None
        )
    )
    assert [(item["quality"], item["height_px"]) for item in content["renditions"]] == [
        ("480p", 480)
    ]

    events = views(content_id, 1_000)
    for part in (events[:600], events[600:], events[:200]):
        answer = world.post("/views", {"events": part}, sub="player")
        assert answer.status_code == 202, answer.text
    wake(world)
    wait(lambda: lamports(world, creator, "paid_total") == 19_000_000)
    assert lamports(world, creator, "on_chain") == 19_000_000

    destination = str(Keypair().pubkey())
    body = {"amount": "max", "destination": destination}
    first = world.post("/withdraw", body, sub=creator, key="all")
    assert first.status_code == 202, first.text
    assert world.post("/withdraw", body, sub=creator, key="all").json() == first.json()
    other = {"amount": "0.001", "destination": destination}
    assert world.post("/withdraw", other, sub=creator, key="all").status_code == 422
    withdrawal_id = first.json()["withdrawal_id"]
    wait(lambda: world.get(f"/withdrawals/{withdrawal_id}", creator).json()["state"] == "PAID")
    assert world.get(f"/withdrawals/{withdrawal_id}", "mallory").status_code == 404

    chain = Solana([world.machine.description.solana_rpc_url])
    view = chain.account(destination)
    assert view is not None
    assert view.lamports == 19_000_000
    assert chain.account(address) is None

    stats = world.get("/stats").json()
    assert stats["hour"]["payees"] >= 2
    assert stats["hour"]["views_qualified"] >= 1_000
    assert [check for check in verify(world.db, chain) if check.differences] == []


def test_a_film_that_was_cut_off_is_rejected_and_not_retried(world: World, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    ffmpeg("-i", BUNNY, "-t", "4", "-c", "copy", "-movflags", "+faststart", whole)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    upload_id = upload(world, cut, "alice")["upload_id"]
    row = wait(
        lambda: world.db.execute(
            "SELECT state, reason, object_key FROM uploads"
            " WHERE upload_id = %s AND state <> 'expected'",
            (upload_id,),
        ).fetchone()
    )
    assert row["state"] == "rejected"
    assert row["reason"]

    queues = boto3.client("sqs")
    for url in (
        world.machine.outputs.queue_urls["Plan"],
        world.machine.outputs.dead_letter_urls["Plan"],
    ):

        def is_empty(url: str = url) -> bool:
            answer = queues.get_queue_attributes(QueueUrl=url, AttributeNames=UNSETTLED)
            return set(answer["Attributes"].values()) == {"0"}

        wait(is_empty)
    keys = [
        item["Key"]
        for item in boto3.client("s3").list_objects_v2(
            Bucket=world.machine.description.bucket, Prefix="rejected/"
        )["Contents"]
    ]
    assert any(upload_id in key for key in keys)
