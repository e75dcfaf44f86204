"""A web server as a CDN would be: files, byte ranges, nothing else; on 127.0.0.1."""

import re
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
}


class Site:
    """What is served, and what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, bool]] = []
        """Path, and whether a range of it."""


@contextmanager
def serving(places: Mapping[str, Path]) -> Generator[Site]:
    """Serve folders and files: the first part of a URL's path → where that is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        site: ClassVar[Site]

        def do_GET(self) -> None:
            first, _, rest = self.path.split("?")[0].lstrip("/").partition("/")
            place = places.get(first)
            path = None if place is None else (place / rest if rest else place).resolve()
            if place is None or path is None or not path.is_relative_to(place.resolve()):
                self.send_error(404)
                return
            if not path.is_file():
                self.send_error(404)
                return
            body = path.read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            self.site.asked.append((self.path, asked is not None))
            start, end = 0, len(body)
            if asked:
                start, end = int(asked[1]), int(asked[2] or len(body) - 1) + 1
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{min(end, len(body)) - 1}/{len(body)}"
                )
            else:
                self.send_response(200)
            part = body[start:end]
            self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.site = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Handler.site
        server.shutdown()
        thread.join()
