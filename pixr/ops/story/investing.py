"""An investor pays for a better quality, and gets a share of what it earns."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any

from pixr.adapters.objects import Bucket
from pixr.domain.money import LAMPORTS_PER_SOL, format_sol
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
from pixr.ops.story.watching import make_events, send_events

VIEWS_OF_UPGRADE = 1_000
DEPOSIT_TIMEOUT_S = 60.0


def investment(stage: Stage) -> None:
    """Bob pays for 1080p; escrow; chunks; the upgrade is live and the analysis untouched."""
    stage.screen.act("An investor funds 1080p; the upgrade goes live; the analysis is untouched")
    content_id = stage.films["alice"]
    parts = _analyse(stage, content_id)
    _fund_wallet(stage, stage.bob, 2 * LAMPORTS_PER_SOL)
    offers = stage.bob.get(f"/content/{content_id}/upgrades")["upgrades"]
    offer = next(item for item in offers if item["quality"] == "1080p")
    if not offer["gain"]:
        raise StoryFailed(f"1080p is not offered: {offer['reason']}")
    stage.screen.fact(f"1080p costs {offer['price']['sol']} SOL; the quote shows every line")
    body = {"content_id": content_id, "quality": "1080p", "lamports": offer["price"]["lamports"]}
    begun_s = time.monotonic()
    first = stage.bob.post("/invest", body, key="bob-1080p")
    again = stage.bob.post("/invest", body, key="bob-1080p")
    if first != again:
        raise StoryFailed("the same idempotency key gave another answer")
    stage.screen.fact("bob invested once, though the request came twice with the same key")
    _refuse_more(stage, content_id)
    with stage.screen.waiting(
        "investor → escrow on chain, then plan, encode, assemble, verify"
    ) as waiting:
        job_id = wait_for("starting the upgrade", lambda: _job(stage), timeout_s=SETTLE_TIMEOUT_S)

        def published() -> dict[str, Any] | None:
            job: dict[str, Any] = stage.bob.get(f"/upgrades/{job_id}")
            waiting.tell(
                f"upgrade {job['state'].lower()}:"
                f" {job['chunks_done']} of {job['chunks_total']} chunks"
            )
            if job["state"] in ("FAILED", "REJECTED"):
                raise StoryFailed(f"the upgrade failed: {job['reason']}")
            return job if job["state"] == "PUBLISHED" else None

        job = wait_for("publishing 1080p", published, timeout_s=PUBLISH_TIMEOUT_S)
        wait_for("the investment to be live", lambda: _is_live(stage), timeout_s=SETTLE_TIMEOUT_S)
    seconds = time.monotonic() - begun_s
    stage.screen.fact(
        f"1080p is live after {seconds:.0f} s: {job['chunks_total']} chunks,"
        f" {job['cpu_ms'] / 1000:.0f} CPU-seconds"
    )
    _compare_analysis(stage, content_id, parts, job)
    stage.figures["investment → 1080p live"] = f"{seconds:.1f} s"


def _analyse(stage: Stage, content_id: str) -> dict[str, bytes]:
    """Play the analysis service: write its parts beside the content."""
    bucket = Bucket(stage.machine.description.bucket)
    with stage.screen.waiting("another service analyses the film (scene changes)"):
        parts = film.analyse(stage.ffmpeg)
    for name, data in parts.items():
        bucket.put(f"analysis/{content_id}/{name}", data, content_type="application/json")
    cuts = json.loads(parts["scenes.json"])["cuts"]
    stage.screen.fact(
        f"its analysis is stored: scene cuts at {', '.join(f'{cut:.2f}' for cut in cuts)} s"
    )
    return parts


def _fund_wallet(stage: Stage, who: Client, amount: int) -> None:
    """Send SOL to a wallet from outside, as an exchange would."""
    address = who.get("/wallet")["address"]
    stage.chain.nodes[0].call("requestAirdrop", address, amount)
    with stage.screen.waiting(f"{who.name} sends {format_sol(amount)} SOL from an exchange"):
        wait_for(
            f"{who.name}'s deposit",
            lambda: lamports(who.get("/balance")["available"]) or None,
            timeout_s=DEPOSIT_TIMEOUT_S,
        )
    stage.screen.fact(f"{who.name}'s deposit of {format_sol(amount)} SOL is in the ledger")


def _refuse_more(stage: Stage, content_id: str) -> None:
    """Carol comes too late: nothing is open any more."""
    _fund_wallet(stage, stage.carol, LAMPORTS_PER_SOL)
    body = {"content_id": content_id, "quality": 1080, "amount": "0.5"}
    answer = stage.carol.try_post("/invest", body, key="carol-1080p")
    if answer.status_code != HTTPStatus.CONFLICT:
        raise StoryFailed(f"over-funding was answered {answer.status_code}: {answer.text[:200]}")
    stage.screen.fact(f"carol is refused: {answer.json()['detail']}")


def _job(stage: Stage) -> str | None:
    job_id = stage.bob.get("/investments")["items"][0]["job_id"]
    return str(job_id) if job_id else None


def _is_live(stage: Stage) -> bool | None:
    return True if stage.bob.get("/investments")["items"][0]["state"] == "LIVE" else None


def _compare_analysis(
    stage: Stage, content_id: str, parts: dict[str, bytes], job: dict[str, Any]
) -> None:
    bucket = Bucket(stage.machine.description.bucket)
    for name, data in parts.items():
        kept, _ = bucket.read(f"analysis/{content_id}/{name}")
        if kept != data:
            raise StoryFailed(f"analysis part {name} has changed")
    if job["analysis_preserved"] is not True:
        raise StoryFailed(f"the job says analysis_preserved: {job['analysis_preserved']}")
    stage.screen.fact(f"all {len(parts)} parts of the analysis are byte for byte what they were")


def returns(stage: Stage) -> None:
    """More views, at the better rate; the investor's return arrives on chain."""
    stage.screen.act("More views, now at 1080p: the investor's return arrives")
    before = lamports(stage.bob.get("/balance")["on_chain"])
    with stage.screen.waiting(f"sending {VIEWS_OF_UPGRADE:,} view events"):
        send_events(stage, make_events(stage, stage.films["alice"], VIEWS_OF_UPGRADE))
    with stage.screen.waiting("waiting for the minute settler and finality"):
        wait_for(
            "bob's return",
            lambda: True if lamports(stage.bob.get("/balance")["on_chain"]) > before else None,
            timeout_s=SETTLE_TIMEOUT_S,
        )
    held = stage.bob.get("/investments")["items"][0]
    after = lamports(stage.bob.get("/balance")["on_chain"])
    if after - before != lamports(held["returned"]):
        raise StoryFailed(
            f"bob got {after - before} lamports, his investment says {held['returned']}"
        )
    stage.screen.fact(
        f"bob put in {held['amount']['sol']} SOL and got {held['returned']['sol']} SOL back"
        f" (cap {held['return_cap']['sol']} SOL); above the cap all goes to alice"
    )
