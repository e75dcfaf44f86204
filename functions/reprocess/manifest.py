"""The master playlist: what players open, written last and only ever replaced whole.

It is rebuilt from the published renditions and written on the condition that nobody wrote
meanwhile. Whoever publishes rebuilds it *after* the commit, so of two upgrades that finish at
once, the later writer has seen both.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pixr.adapters.objects import Bucket, ObjectChanged, ObjectMissing

PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
WRITES_MAX: Final = 8
"""More upgrades of one content than there are rungs do not finish at once."""


def manifest_key(content_id: str) -> str:
    """Where the master playlist of a content is."""
    return f"media/{content_id}/master.m3u8"


def rebuild(bucket: Bucket, content_id: str, playlists: Callable[[], Sequence[str]]) -> None:
    """Write the master playlist for these renditions, lowest first.

    Args:
        bucket: Where media is.
        content_id: Whose.
        playlists: Asked for the renditions' playlist keys after the present master was read,
            so a master that is replaced was older than the answer.

    Raises:
        ObjectChanged: Others kept writing.
    """
    key = manifest_key(content_id)
    for attempts_left in range(WRITES_MAX, 0, -1):
        try:
            present, etag = bucket.read(key)
        except ObjectMissing:
            present, etag = None, None
        body = _compose(bucket, key, playlists())
        if body == present:
            return
        try:
            bucket.replace(key, body, content_type=PLAYLIST_TYPE, etag=etag)
        except ObjectChanged:
            if attempts_left == 1:
                raise
        else:
            return


def _compose(bucket: Bucket, key: str, playlists: Sequence[str]) -> bytes:
    folder = key.rpartition("/")[0] + "/"
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for playlist in playlists:
        # Each rendition carries its own line: bandwidth, resolution and codecs as measured.
        alone, _ = bucket.read(stream_key(playlist))
        lines.append(_stream_line(alone.decode()))
        lines.append(playlist.removeprefix(folder))
    return ("\n".join(lines) + "\n").encode()


def stream_key(playlist_key: str) -> str:
    """The master playlist of one rendition alone, beside its media playlist."""
    return playlist_key.rpartition("/")[0] + "/stream.m3u8"


def _stream_line(playlist: str) -> str:
    return next(line for line in playlist.splitlines() if line.startswith("#EXT-X-STREAM-INF:"))
