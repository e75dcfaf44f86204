"""What people do to a town: watch, withdraw, invest, send money, finish an upgrade.

Through the shipped functions, with the checks that stand before them; and each request may be
sent again, by a client that heard no answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.api.invest import Investment, invest
from functions.batch.sweep import PATIENCE, RESTARTS_MAX
from functions.wallet.withdraw import Withdrawal, withdraw
from pixr.adapters.postgres import contents, upgrades
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.redis import DeadLetters, ViewStream
from pixr.domain.errors import KeyReused, Refusal
from pixr.domain.money import Lamports
from pixr.domain.renditions import Size
from pixr.domain.views import VIEW_RETENTION_DAYS, ViewEvent
from tests.pace import BOUNDLESS
from tests.simulation.actors import Actor, Actors
from tests.simulation.mortal import Plan
from tests.simulation.town import RENT, SOL, Asked, Town

Ask = Callable[[Actor, datetime], dict[str, Any]]
VIEWERS = 4
WIDTHS = {480: 854, 720: 1_280, 1_080: 1_920, 1_440: 2_560, 2_160: 3_840}


def watch(town: Town, count: int) -> str:
    """Views arrive, some of them for the second time."""
    luck = town.luck
    events = [_view(town) for _ in range(count)]
    known = list(town.known.events.values())
    if known and town.chance(0.3):
        events += luck.sample(known, min(len(known), luck.randrange(1, 10)))
    town.known.events |= {event.event_id: event for event in events}
    append(town, events)
    return f"{len(events)} views"


def append(town: Town, events: list[ViewEvent]) -> None:
    """Put events on the stream, as the producer's function does."""
    stream = ViewStream(town.servers.redis_url)
    stream.append(events)
    stream.close()


def replay_letters(town: Town) -> None:
    """An operator puts every dead letter back on the stream."""
    dead = DeadLetters(town.servers.redis_url)
    dead.replay(list(dead.list()))
    dead.close()


def uncounted(town: Town) -> list[str]:
    """Views that were sent, are of a day that is still open, and were never recorded."""
    row = town.look.execute(
        "SELECT max(day) AS day FROM view_days WHERE dropped_at IS NOT NULL"
    ).fetchone()
    closed = town.clock.true_now().date() - timedelta(days=VIEW_RETENTION_DAYS)
    if row is not None and row["day"] is not None:
        closed = max(closed, row["day"])
    return [
        name
        for name, event in town.known.events.items()
        if name not in town.known.counted and event.occurred_at.date() > closed
    ]


def _view(town: Town) -> ViewEvent:
    luck = town.luck
    content = luck.choice(town.contents)
    viewer = content.creator_id if luck.random() < 0.05 else f"viewer-{luck.randrange(VIEWERS)}"
    back = luck.choice([0, 0, 0, 1])
    return ViewEvent(
        event_id=f"event-{len(town.known.events)}-{luck.getrandbits(32)}",
        content_id="nowhere" if luck.random() < 0.02 else content.content_id,
        # Few viewers meet the daily limit; many make money.
        viewer_id=viewer if luck.random() < 0.3 else f"viewer-{luck.getrandbits(32)}",
        watched_ms=luck.choice([9_999, 10_000, 29_999, 30_000, 40_000, 86_400_000]),
        occurred_at=town.clock.true_now() - timedelta(days=back, seconds=luck.randrange(3_600)),
    )


def withdraw_some(town: Town, actors: Actors, plans: Mapping[int, Plan] | None = None) -> str:
    """Somebody withdraws to an address outside: some, or everything."""
    luck = town.luck
    user_id = luck.choice(town.users)
    address = town.address_of(user_id)
    if town.cluster.truth.balance(address) < SOL // 10 and town.chance(0.5):
        town.airdrop(address, luck.randrange(SOL // 10, SOL))
    held = town.cluster.truth.balance(address)
    # Everything, more than there is, all but dust; and most of the time a part of it.
    lamports = luck.choice([None, held + 1, max(1, held - luck.randrange(RENT))])
    if held > 4 * RENT and town.chance(0.7):
        lamports = luck.randrange(2 * RENT, held - RENT)
    destination = town.stranger()
    if town.chance(0.3):
        town.airdrop(destination, RENT)
    name = town.new_id()
    claim = _claim(user_id, town, f"{lamports} {destination}")
    house = {town.treasury: "the treasury", town.escrow: "the escrow"}

    def ask(amount: int | None, body: Claim) -> Ask:
        def answer(actor: Actor, now: datetime) -> dict[str, Any]:
            asked = Withdrawal(
                id=name,
                user_id=user_id,
                lamports=None if amount is None else Lamports(amount),
                destination=destination,
                house=house,
            )
            return withdraw(
                actor.db,
                actor.chain,
                asked,
                claim=body,
                rules=BOUNDLESS,
                demand=lambda: None,
                now=now,
            )

        return answer

    first = ask(lamports, claim)
    other = ask(RENT + 1, _other(claim))
    town.known.asking[str(name)] = (user_id, destination)
    said = actors.request(lambda actor: first(actor, town.clock.now()), plans=plans)
    row = town.look.execute("SELECT lamports FROM payouts WHERE id = %s", (name,)).fetchone()
    assert row is not None or not isinstance(said, dict)
    if row is not None:
        town.known.asked[str(name)] = Asked(
            user_id=user_id,
            lamports=row["lamports"],
            destination=destination,
            answer=said,
            repeat=first,
            alter=other,
        )
        town.count("withdrawals")
    return f"{user_id} withdraws {lamports}: {_in_short(said)}"


def invest_some(town: Town, actors: Actors, plans: Mapping[int, Plan] | None = None) -> str:
    """Somebody puts money into an upgrade that is open."""
    luck = town.luck
    open_ = town.look.execute(
        "SELECT content_id, rung, price_lamports - funded_lamports AS open_lamports FROM fundings"
        " WHERE state = 'OPEN' AND price_lamports > funded_lamports ORDER BY content_id"
    ).fetchall()
    if not open_:
        return "nothing to invest in"
    funding, user_id = luck.choice(open_), luck.choice(town.users)
    if town.chance(0.8):
        town.airdrop(town.address_of(user_id), funding["open_lamports"] + RENT)
    part = luck.choice([1, 1, 2, 3])
    lamports = max(RENT, funding["open_lamports"] // part)
    name, payout_id = town.new_id(), town.new_id()
    claim = _claim(user_id, town, f"{funding} {lamports}")

    def ask(amount: int, body: Claim) -> Ask:
        def answer(actor: Actor, now: datetime) -> dict[str, Any]:
            asked = Investment(
                id=name,
                payout_id=payout_id,
                user_id=user_id,
                content_id=funding["content_id"],
                rung=funding["rung"],
                lamports=Lamports(amount),
            )
            return invest(
                actor.db,
                actor.chain,
                asked,
                claim=body,
                sol=None,
                return_cap_bps=15_000,
                small_lamports=0,
                demand=lambda: None,
                now=now,
            )

        return answer

    first = ask(lamports, claim)
    other = ask(lamports + 1, _other(claim))
    said = actors.request(lambda actor: first(actor, town.clock.now()), plans=plans)
    row = town.look.execute("SELECT lamports FROM payouts WHERE id = %s", (payout_id,)).fetchone()
    assert row is not None or not isinstance(said, dict)
    if row is not None:
        town.known.asked[str(payout_id)] = Asked(
            user_id=user_id,
            lamports=row["lamports"],
            destination=None,
            answer=said,
            repeat=first,
            alter=other,
        )
        town.count("investments")
    return f"{user_id} invests {lamports} in {funding['content_id']}: {_in_short(said)}"


def i13_the_same_key_and_body_get_the_same_answer_and_another_body_is_refused(
    town: Town, actors: Actors
) -> str:
    """Same idempotency key and body → same answer; other body → 422 and no effect."""
    known = [asked for name, asked in town.known.asked.items() if name not in town.known.forgotten]
    if not known:
        return "nobody asked for anything"
    asked = town.luck.choice(known)
    before = _counts(town)
    again = actors.request(lambda actor: asked.repeat(actor, town.clock.now()))
    # A client that heard nothing the first time hears the first answer now.
    if again is not None:
        assert isinstance(again, dict), f"the same request again: {again!r}"
        assert asked.answer in (None, again), f"answered {again}, and {asked.answer} before"
    altered = actors.request(lambda actor: asked.alter(actor, town.clock.now()))
    assert altered is None or isinstance(altered, KeyReused), f"another body: {altered!r}"
    assert _counts(town) == before, "a repeated request had an effect"
    return f"{asked.user_id} asks again"


def _counts(town: Town) -> dict[str, Any]:
    row = town.look.execute(
        "SELECT (SELECT count(*) FROM payouts) AS payouts,"
        " (SELECT count(*) FROM content_investments) AS investments,"
        " (SELECT count(*) FROM idempotency) AS keys,"
        " (SELECT count(*) FROM audit_log) AS lines,"
        " (SELECT sum(reserved_lamports) FROM ledger_accounts) AS reserved"
    ).fetchone()
    assert row is not None
    return row


def _claim(user_id: str, town: Town, body: str) -> Claim:
    return Claim(
        user_id=user_id,
        key=f"key-{town.luck.getrandbits(64)}",
        route="POST /simulated",
        body_sha256=hashlib.sha256(body.encode()).digest(),
    )


def _other(claim: Claim) -> Claim:
    return Claim(user_id=claim.user_id, key=claim.key, route=claim.route, body_sha256=bytes(32))


def _in_short(said: Any) -> str:
    if isinstance(said, Refusal):
        return f"{type(said).__name__} {said}"
    return "accepted" if isinstance(said, dict) else "no answer"


def finish_an_upgrade(town: Town) -> str:
    """The encoder is done with a paid-for upgrade, or gives it up for good."""
    rows = town.look.execute(
        "SELECT id, content_id, rung FROM upgrade_jobs WHERE state = 'QUEUED' AND id = ANY(%s)"
        " ORDER BY created_at, id",
        (list(set(town.known.jobs)),),
    ).fetchall()
    if not rows:
        return "no upgrade to finish"
    job = town.luck.choice(rows)
    if town.chance(0.4):
        upgrades.close(town.look, job["id"], "FAILED", "simulated", now=town.clock.now())
        return f"upgrade of {job['content_id']} failed"
    publish(town, job)
    return f"{job['content_id']} is now {job['rung']}p"


def neglect_upgrades(town: Town) -> str:
    """No encoder works for longer than the settler is patient, once or for the last time."""
    restarts = RESTARTS_MAX if town.chance(0.3) else None
    rows = town.look.execute(
        "UPDATE upgrade_jobs SET moved_at = LEAST(moved_at, %s) - %s,"
        " restarts = COALESCE(%s, restarts) WHERE closed_at IS NULL RETURNING id",
        (town.clock.now(), PATIENCE.still, restarts),
    ).fetchall()
    return f"{len(rows)} upgrades are neglected"


def publish(town: Town, job: Mapping[str, Any]) -> None:
    """Show the better rendition; from the next drain on a view earns more."""
    look, now = town.look, town.clock.now()
    with look.transaction():
        look.execute(
            "UPDATE upgrade_jobs SET settings = '{}', chunks_total = 1, chunks_done = 1,"
            " state = 'ASSEMBLING' WHERE id = %s",
            (job["id"],),
        )
        is_mine = upgrades.publish(look, job["id"], analysis=None, cpu_ms=1, now=now)
        assert is_mine
        contents.publish_rendition(
            look,
            content_id=job["content_id"],
            rung=job["rung"],
            job_id=job["id"],
            size=Size(width_px=WIDTHS[job["rung"]], height_px=job["rung"]),
            frames=1_000,
            duration_ms=600_000,
            size_bytes=1_000,
            bits_per_s=1_000,
            playlist_key="media/x",
            manifest_key="media/x",
            now=now,
        )
    drains = frozenset(row["id"] for row in look.execute("SELECT id FROM drains"))
    rungs = town.known.rungs[job["content_id"]]
    rungs.append((max(job["rung"], rungs[-1][0]), drains))
