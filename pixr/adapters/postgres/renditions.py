"""What renditions of one content share."""

from pixr.adapters.postgres import Database, sql


def keep_sound(db: Database, content_id: str, sound_key: str) -> None:
    """Make this the content's sound unless it has one. Call inside ``db.transaction()``.

    Args:
        db: Inside the transaction that publishes the first rendition with it.
        content_id: Whose.
        sound_key: Its playlist.
    """
    assert db.info.transaction_status.name == "INTRANS"
    db.execute(sql("renditions/keep_sound"), {"content_id": content_id, "sound_key": sound_key})
