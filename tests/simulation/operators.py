"""What an operator does to a town: pause, resume, and take whatever way out of HOLD is open.

A careless one: at a moment of the seed's choosing, and any way that is not refused. Whatever
``pixr hold release`` lets a person do must not pay twice.
"""

from __future__ import annotations

from uuid import UUID

from pixr.adapters.postgres import batches, pauses
from pixr.adapters.solana import ChainUnreachable
from pixr.ops import releasing
from pixr.ops.releasing import WAYS, NotSafe
from tests.simulation.actors import Actors
from tests.simulation.town import Town


def act(town: Town, actors: Actors) -> str:
    """Something that an operator may do at any time."""
    held = [row["id"] for row in _held(town)]
    if held and town.chance(0.7):
        return release(town, actors, town.luck.choice(held))
    aside = town.look.execute(
        "SELECT id FROM payouts WHERE state = 'QUARANTINED' AND overtaken_at IS NULL"
        " ORDER BY created_at, id"
    ).fetchall()
    if aside and town.chance(0.5):
        return retry(town, town.luck.choice(aside)["id"])
    if town.known.lost_since is not None:
        return "an operator waits for the recovery"
    if pauses.resume(town.look) is not None:
        return "an operator resumes"
    if town.chance(0.3):
        pauses.pause(town.look, "simulated", now=town.clock.now())
        return "an operator pauses"
    return "an operator looks on"


def _held(town: Town) -> list[dict[str, UUID]]:
    return town.look.execute(
        "SELECT id FROM batches WHERE state = 'HOLD' ORDER BY planned_at, id"
    ).fetchall()


def release(town: Town, actors: Actors, batch_id: UUID) -> str:
    """Take the first way out of HOLD that is open, in an order of the seed's choosing."""
    actor = actors.named("operator")
    try:
        case = releasing.examine(actor.db, actor.chain, batches.reread(actor.db, batch_id))
    except ChainUnreachable:
        return "nobody can tell an operator anything"
    refused: list[str] = []
    for way in town.luck.sample(WAYS, len(WAYS)):
        try:
            releasing.release(
                actor.db,
                actor.chain,
                case,
                way,
                actor="operator",
                new_id=town.new_id,
                now=town.clock.now(),
            )
        except NotSafe as reason:
            refused.append(f"{way}: {reason}")
            continue
        except ChainUnreachable:
            return "nobody can tell an operator anything"
        town.count(f"released by {way}")
        return f"{batch_id} released: {way}"
    return f"{batch_id} stays: {refused}"


def retry(town: Town, payout_id: UUID) -> str:
    """Let a payout that was put aside be paid once more, alone."""
    try:
        releasing.retry(town.look, payout_id, actor="operator", now=town.clock.now())
    except NotSafe as reason:
        return f"{payout_id} stays aside: {reason}"
    town.count("retried")
    return f"{payout_id} is tried again"


def release_everything(town: Town, actors: Actors) -> int:
    """Decide whatever is held, when every node can tell; return how many were let go."""
    released = 0
    for row in _held(town):
        told = release(town, actors, row["id"])
        town.note(told)
        released += " released: " in told
    return released
