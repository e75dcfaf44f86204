"""Creators upload, viewers watch, the minute settler pays."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from pixr.ops.story import film
from pixr.ops.story.client import (
    PUBLISH_TIMEOUT_S,
    SETTLE_TIMEOUT_S,
    Client,
    StoryFailed,
    lamports,
    wait_for,
)
from pixr.ops.story.stage import Stage

VIEWS_OF_FILM = 2_400
VIEWS_OF_SHORT = 600
REPEATED_SHARE = 10
"""One event in so many is sent twice."""
EVENTS_PER_REQUEST = 1_000
SHORT_S = 3
UPLOADS_AT_ONCE = 4


def uploads(stage: Stage) -> None:
    """Alice uploads the film, others upload shorts; S3 events make the 480p renditions."""
    stage.screen.act("Creators upload; S3 events start FFmpeg; 480p is published")
    for creator in stage.creators:
        creator.get("/wallet")
    wallet = stage.alice.get("/wallet")
    stage.screen.fact(f"alice's wallet is {wallet['address']} (derived, its key never stored)")
    short = film.cut_short(stage.ffmpeg, stage.folder, seconds=SHORT_S)
    files = {stage.alice.name: film.film()} | {maker.name: short for maker in stage.makers}
    with stage.screen.waiting("uploading to presigned URLs, encoding, assembling") as waiting:
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            contents = pool.map(lambda who: upload(who, files[who.name]), stage.creators)
            stage.films = {
                who.name: content for who, content in zip(stage.creators, contents, strict=True)
            }
        for done, creator in enumerate(stage.creators, start=1):
            content_id = stage.films[creator.name]
            wait_for(
                f"publishing {content_id}",
                partial(live, creator, content_id),
                timeout_s=PUBLISH_TIMEOUT_S,
            )
            waiting.tell(f"published {done} of {len(stage.films)} videos")
        stage.screen.fact(
            f"{len(stage.films)} videos are live at 480p after {waiting.seconds:.0f} s"
        )
    content = stage.alice.get(f"/content/{stage.films['alice']}")
    source, made = content["source"], content["renditions"][0]
    stage.screen.note(
        f"alice's film: {source['width_px']}×{source['height_px']}, {source['frames']} frames →"
        f" {made['width_px']}×{made['height_px']}, {made['bytes']:,} bytes"
    )


def upload(creator: Client, path: Path) -> str:
    """Upload a file as a new content and return its id."""
    grant = creator.post("/uploads", {"file_name": path.name, "size_bytes": path.stat().st_size})
    answer = httpx.put(grant["url"], content=path.read_bytes(), timeout=60)
    if not answer.is_success:
        raise StoryFailed(f"PUT of {path.name}: {answer.status_code} {answer.text[:200]}")
    return str(grant["content_id"])


def live(creator: Client, content_id: str) -> Any:
    """The content once viewers can watch it; None until then."""
    content = creator.get(f"/content/{content_id}")
    return content if content["state"] == "live" else None


def views(stage: Stage) -> None:
    """Viewers watch; a tenth of the events arrives twice; the minute settler pays."""
    stage.screen.act("Viewers watch, and the minute settler pays the creators on chain")
    events = make_events(stage, stage.films["alice"], VIEWS_OF_FILM)
    for maker in stage.makers:
        events += make_events(stage, stage.films[maker.name], VIEWS_OF_SHORT)
    distinct = len(events)
    repeats = stage.random.sample(events, distinct // REPEATED_SHARE)
    events += repeats
    stage.random.shuffle(events)
    with stage.screen.waiting(f"sending {len(events):,} view events"):
        accepted = send_events(stage, events)
    sent_s = time.monotonic()
    stage.screen.fact(f"{accepted:,} events accepted, {len(repeats):,} of them sent twice")
    with stage.screen.waiting(
        "the settler drains, batches, signs, stores, sends, waits for finality"
    ):
        wait_for("alice's first SOL", partial(paid, stage.alice), timeout_s=SETTLE_TIMEOUT_S)
        seconds = time.monotonic() - sent_s
        for maker in stage.makers:
            wait_for(f"paying {maker.name}", partial(paid, maker), timeout_s=SETTLE_TIMEOUT_S)
    balance = stage.alice.get("/balance")
    earned = stage.alice.get("/earnings")["items"][0]
    stage.screen.fact(
        f"alice holds {balance['on_chain']['sol']} SOL on chain, finalized at slot"
        f" {balance['as_of_slot']}"
    )
    stage.screen.note(
        f"{earned['qualified_views']:,} views × 20,000 lamports ="
        f" {earned['gross']['sol']} SOL, less {earned['platform_fee']['sol']} SOL (5 %)"
    )
    expected = VIEWS_OF_FILM * 20_000 * 95 // 100
    if lamports(earned["own_part"]) != expected:
        raise StoryFailed(f"alice earned {earned['own_part']}, not {expected} lamports")
    newest = stage.alice.get("/transactions")["items"][0]
    stage.screen.note(f"transaction {newest['signature']}")
    stage.figures["view events sent / distinct / paid for"] = (
        f"{len(events):,} / {distinct:,} / {distinct:,}"
    )
    stage.figures["last view accepted → SOL finalized"] = f"{seconds:.1f} s"


def paid(creator: Client) -> dict[str, Any] | None:
    """The balance of a creator to whom nothing is due any more; None while something is."""
    balance = creator.get("/balance")
    is_paid = lamports(balance["paid_total"]) and not lamports(balance["pending_earnings"])
    return balance if is_paid else None


def make_events(stage: Stage, content_id: str, count: int) -> list[dict[str, Any]]:
    """Views of ``count`` different viewers, each long enough to qualify for a short film."""
    now = datetime.now(UTC)
    return [
        {
            "event_id": f"{content_id}:{stage.random.getrandbits(96):024x}",
            "content_id": content_id,
            "viewer_id": f"viewer-{stage.random.getrandbits(48):012x}",
            "watched_seconds": 15 + stage.random.randrange(15),
            "occurred_at": (now - timedelta(seconds=stage.random.randrange(60))).isoformat(),
        }
        for _ in range(count)
    ]


def send_events(stage: Stage, events: list[dict[str, Any]]) -> int:
    """Send all of them, a thousand a request; return how many were accepted."""
    accepted = 0
    for start in range(0, len(events), EVENTS_PER_REQUEST):
        answer = stage.producer.post(
            "/views", {"events": events[start : start + EVENTS_PER_REQUEST]}
        )
        accepted += answer["accepted"]
    return accepted
