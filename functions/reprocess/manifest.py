"""The manifests: what players open, written last and only ever replaced whole.

    what is published, asked after the present manifest was read ─▶ written if nobody wrote since

Both are rebuilt from the published files' descriptions, HLS and DASH each on the condition that
nobody wrote it meanwhile. Whoever publishes rebuilds them *after* the commit, so of two upgrades
that finish at once, the later writer has seen both.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pixr.adapters.objects import Bucket, ObjectChanged, ObjectMissing
from pixr.domain.manifests import (
    DASH_NAME,
    MASTER_NAME,
    STREAM_NAME,
    Early,
    Placed,
    Shown,
    Stream,
    dash_manifest,
    master_playlist,
)

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
DASH_TYPE: Final = "application/dash+xml"
EARLY_NAME: Final = "stream.m3u8"
"""What described a rendition before there was DASH: an HLS manifest of it alone."""

WRITES_MAX: Final = 8
"""More upgrades of one content than there are rungs do not finish at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The playlists of what is published, as the database has them."""

    renditions: Sequence[str]
    """Lowest rung first."""
    sound: str | None


def manifest_key(content_id: str) -> str:
    """Where the HLS manifest of a content is; the DASH one lies beside it."""
    return f"media/{content_id}/{MASTER_NAME}"


def look(bucket: Bucket, content_id: str, keys: Keys) -> Shown:
    """Read the descriptions of what is published.

    Raises:
        ObjectMissing: One is gone.
    """
    return Shown(
        renditions=[_placed(bucket, content_id, key) for key in keys.renditions],
        sound=None if keys.sound is None else _placed(bucket, content_id, keys.sound),
    )


def rebuild(bucket: Bucket, content_id: str, published: Callable[[], Keys]) -> None:
    """Write both manifests for what is published.

    Args:
        bucket: Where media is.
        content_id: Whose.
        published: Asked after the present manifest was read, so a manifest that is replaced was
            older than the answer.

    Raises:
        ObjectChanged: Others kept writing.
    """

    def shown() -> Shown:
        return look(bucket, content_id, published())

    key = manifest_key(content_id)
    _replace(bucket, key, PLAYLIST_TYPE, lambda: master_playlist(shown()))
    key = key.removesuffix(MASTER_NAME) + DASH_NAME
    _replace(bucket, key, DASH_TYPE, lambda: dash_manifest(shown()))


def _replace(
    bucket: Bucket, key: str, content_type: str, compose: Callable[[], str | None]
) -> None:
    for attempts_left in range(WRITES_MAX, 0, -1):
        try:
            present, etag = bucket.read(key)
        except ObjectMissing:
            present, etag = None, None
        text = compose()
        body = None if text is None else text.encode()
        if body is None or body == present:
            return
        try:
            bucket.replace(key, body, content_type=content_type, etag=etag)
        except ObjectChanged:
            if attempts_left == 1:
                raise
        else:
            return


def _placed(bucket: Bucket, content_id: str, playlist_key: str) -> Placed:
    folder = playlist_key.rpartition("/")[0]
    return Placed(
        stream=_stream(bucket, folder), folder=folder.removeprefix(f"media/{content_id}/")
    )


def _stream(bucket: Bucket, folder: str) -> Stream | Early:
    try:
        described, _ = bucket.read(f"{folder}/{STREAM_NAME}")
    except ObjectMissing:
        early, _ = bucket.read(f"{folder}/{EARLY_NAME}")
        lines = early.decode().splitlines()
        return Early(line=next(line for line in lines if line.startswith("#EXT-X-STREAM-INF:")))
    return Stream.read(json.loads(described))
