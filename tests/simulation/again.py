"""I9: whatever is delivered, asked or walked a second time changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from functions.deposits import observe_deposits
from tests.simulation import people
from tests.simulation.actors import Actor, Actors
from tests.simulation.town import Asked, Town


def i09_replaying_any_event_message_or_request_changes_nothing(town: Town, actors: Actors) -> None:
    """Replaying any event, message or request changes nothing.

    Asked when nothing is under way: every view event once more, every deposit walked again,
    every request repeated; then the settler gets its tick.
    """
    before = _money(town)
    people.append(town, list(town.known.events.values()))
    settler = actors.named("settler")
    for user_id in town.users[:3]:
        account, address = f"wallet:{user_id}", town.address_of(user_id)
        for _ in range(2):
            observe_deposits(
                settler.db, settler.chain, account=account, address=address, now=town.clock.now()
            )
    walked = _money(town)
    for asked in [
        item for name, item in town.known.asked.items() if name not in town.known.forgotten
    ]:
        actors.request(partial(_repeat, asked, town.clock.now()))
    report = actors.tick("settler", seconds=30)
    assert report is not None
    assert report.events_new == 0, "an event counted twice"
    assert _money(town) == walked, f"replayed: {_money(town)}, before: {walked}"
    # A first walk may find what came to a wallet since; nothing else may have moved.
    assert walked["accruals"] == before["accruals"]
    assert walked["payouts"] == before["payouts"]


def _repeat(asked: Asked, now: datetime, actor: Actor) -> dict[str, Any]:
    return asked.repeat(actor, now)


def _money(town: Town) -> dict[str, Any]:
    row = town.look.execute(
        "SELECT (SELECT count(*) FROM view_events) AS events,"
        " (SELECT sum(lamports) FROM pending_earnings) AS accruals,"
        " (SELECT count(*) FROM payouts) AS payouts,"
        # Receipts may have grown old meanwhile: rent that comes home is no effect of a replay.
        " (SELECT count(*) FROM batches WHERE kind <> 'reclaim') AS batches,"
        " (SELECT count(*) FROM deposits) AS deposits,"
        " (SELECT count(*) FROM audit_log) AS lines,"
        " (SELECT jsonb_object_agg(account, posted_lamports || '/' || reserved_lamports)"
        "  FROM ledger_accounts WHERE (posted_lamports <> 0 OR reserved_lamports <> 0)"
        "  AND account NOT IN ('treasury', 'receipts', 'network', 'world')) AS accounts"
    ).fetchone()
    assert row is not None
    return row
