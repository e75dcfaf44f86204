"""Whatever was written down on the way is searched for every key, seed, code and token."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pixr.adapters.postgres import connect
from pixr.ops.hygiene import capture
from pixr.ops.hygiene.known import secrets_of, token_of
from pixr.ops.hygiene.search import Place, Searcher
from pixr.ops.story.client import StoryFailed
from pixr.ops.story.stage import Stage

MEGABYTE = 10**6
SHOWN_ONCE = ("/2fa/enroll", "/2fa/confirm", "/2fa/recovery-codes")
AT_HOME_IN_THEM = ("TOTP secret", "recovery code")
LEAKS_TOLD = 10


def search(stage: Stage) -> None:
    """Search logs, answers, database, Valkey, the emulator and every file of the machine."""
    stage.screen.act("No key, seed, code or token lies anywhere but at home")
    machine = stage.machine
    with (
        stage.screen.waiting("searching all that was written down"),
        connect(machine.description.database_url) as db,
    ):
        secrets = [
            *secrets_of(machine, db),
            *(token_of(person.name, person.token) for person in stage.people),
            *stage.secrets,
        ]
        searcher = Searcher(secrets)
        leaks = searcher.look(chain(capture.everything(machine, db), _answers(stage)))
    if not {"master seed", "treasury"} <= searcher.at_home:
        raise StoryFailed("the search did not even find the keys that Secrets Manager keeps")
    if leaks:
        told = "; ".join(map(str, leaks[:LEAKS_TOLD]))
        raise StoryFailed(f"{len(leaks)} times a secret lies where it must not: {told}")
    stage.screen.fact(
        f"{len(secrets)} secrets, none in {searcher.bytes_read / MEGABYTE:,.0f} MB of logs,"
        " answers, files and dumps, whole or in part, in any form"
    )


def _answers(stage: Stage) -> Iterator[Place]:
    """What people were told, and what this screen has shown."""
    for person in stage.people:
        for path, text in person.heard:
            homes = AT_HOME_IN_THEM if path.endswith(SHOWN_ONCE) else ()
            yield Place(name=f"an answer of {path} to {person.name}", content=text, homes=homes)
    shown = stage.screen.console.export_text(clear=False)
    yield Place(name="what the demo has printed", content=shown.encode())
