"""What renditions of one content share."""

from dataclasses import replace

from pixr.adapters.postgres import Database, contents, sql, upgrades
from pixr.domain.costs import weigh
from pixr.domain.quotes import Source


def weighed(db: Database, content_id: str, source: Source, *, source_key: str) -> Source:
    """The source with the film's weight, by the best rendition that is there.

    Args:
        db: The database.
        content_id: Whose film.
        source: As it was probed.
        source_key: Where it is.
    """
    made = contents.list_renditions(db, content_id)
    if not made:
        return source
    job = upgrades.get(db, made[-1]["job_id"])
    return replace(source, weight=weigh(source, made[-1], job, source_key=source_key))


def keep_sound(db: Database, content_id: str, sound_key: str) -> None:
    """Make this the content's sound unless it has one. Call inside ``db.transaction()``.

    Args:
        db: Inside the transaction that publishes the first rendition with it.
        content_id: Whose.
        sound_key: Its playlist.
    """
    assert db.info.transaction_status.name == "INTRANS"
    db.execute(sql("renditions/keep_sound"), {"content_id": content_id, "sound_key": sound_key})
