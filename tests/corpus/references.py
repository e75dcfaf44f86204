"""Files that want others to be opened: from this machine, or from the network.

What they point at is a video that would play. Were it read, the job would be published, the canary
opened or the port asked.
"""

from collections.abc import Callable

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, REJECTED, Case, Clips, Outside

NAMES = ("list.m3u8", "clip.mp4", "clip.ts", "clip.avi", "clip.mkv")
LIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"


def _playlist(address: str) -> str:
    return f"{LIST}#EXTINF:1.0,\n{address}\n#EXT-X-ENDLIST\n"


def _addresses(outside: Outside) -> dict[str, str]:
    return {
        "a file": f"file://{outside.file}",
        "a path": str(outside.file),
        "a port": outside.url,
        "passwords": "file:///etc/passwd",
        "a chain": f"concat:{outside.file}|{outside.file}",
        "a slice": f"subfile,,start,0,end,99,,:{outside.file}",
        "a key": f"crypto:{outside.file}",
        "a cache": f"cache:{outside.url}",
    }


ADDRESSES = tuple(_addresses(Outside(file=NotImplemented, url="")))


def _text(name: str, file: str, text: Callable[[Outside], str]) -> Case:
    return Case(
        name=name, make=lambda clips: text(clips.outside).encode(), ends=REJECTED, file=file,
        reason="not a video",
    )  # fmt: skip


def _manifest(outside: Outside) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{outside.url}</BaseURL>'
        '<SegmentList duration="1"><SegmentURL media="x.mp4"/></SegmentList>'
        "</Representation></AdaptationSet></Period></MPD>"
    )


def _entity(outside: Outside) -> str:
    return (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{outside.file}">]>'
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">&e;</MPD>'
    )


TEXTS: dict[str, tuple[str, Callable[[Outside], str]]] = {
    "DASH manifest": ("clip.mpd", _manifest),
    "DASH manifest with an entity": ("clip.mpd", _entity),
    "concat script of a file": (
        "clip.ffconcat", lambda outside: f"ffconcat version 1.0\nfile '{outside.file}'\n"),
    "concat script of a port": (
        "clip.mp4", lambda outside: f"ffconcat version 1.0\nfile '{outside.url}'\n"),
    "metadata": ("clip.mp4", lambda outside: f";FFMETADATA1\ntitle=file://{outside.file}\n"),
    "session description": (
        "clip.sdp", lambda outside: "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
        f"t=0 0\nm=video {outside.url.split(':')[2].split('/')[0]} RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n"),
    "SMIL": (
        "clip.smil", lambda outside: f"<smil><body><video src='{outside.url}'/></body></smil>"),
    "PLS": ("clip.pls", lambda outside: f"[playlist]\nFile1={outside.url}\nNumberOfEntries=1\n"),
    "M3U": ("clip.m3u", lambda outside: f"#EXTM3U\n{outside.url}\n"),
    "XSPF": ("clip.xspf", lambda outside: f"<playlist><trackList><track><location>{outside.url}"
             "</location></track></trackList></playlist>"),
    "ASX": ("clip.asx", lambda outside: f"<asx><entry><ref href='{outside.url}'/></entry></asx>"),
    "QuickTime link": ("clip.qtl", lambda outside: "<?xml version='1.0'?><?quicktime type="
                       f"'application/x-quicktime-media-link'?><embed src='{outside.url}'/>"),
    "Smooth Streaming": ("clip.ism", lambda outside: "<SmoothStreamingMedia><StreamIndex Url="
                         f"'{outside.url}'/></SmoothStreamingMedia>"),
    "AviSynth script": ("clip.avs", lambda outside: f'FFVideoSource("{outside.file}")\n'),
    "VapourSynth script": ("clip.vpy", lambda outside: f"open('{outside.file}').read()\n"),
    "key of a playlist": ("list.m3u8", lambda outside: LIST
                          + f'#EXT-X-KEY:METHOD=AES-128,URI="{outside.url}"\n#EXTINF:1.0,\n'
                          + f"{outside.file}\n#EXT-X-ENDLIST\n"),
    "head of a playlist": ("list.m3u8", lambda outside: LIST
                           + f'#EXT-X-MAP:URI="{outside.url}"\n#EXTINF:1.0,\n{outside.file}\n'),
    "a master playlist": ("list.m3u8", lambda outside: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"
                           f"{outside.url}\n"),
}  # fmt: skip


def _referring(location: Callable[[Outside], str], kind: bytes) -> Callable[[Clips], bytes]:
    """An MP4 that says its frames are elsewhere."""

    def make(clips: Clips) -> bytes:
        text = location(clips.outside).encode()
        if kind == b"alis":
            # QuickTime's alias: a fixed head, then the absolute path, with colons, as its tag 2.
            path = text.removeprefix(b"file://").replace(b"/", b":")
            tag = (2).to_bytes(2, "big") + len(path).to_bytes(2, "big") + path
            entry = atoms.full(b"alis", bytes(150), tag + bytes(len(path) % 2), b"\xff\xff\0\0")
        else:
            entry = atoms.full(kind, text, b"\0")
        body = atoms.u32(0, 1) + entry
        return atoms.refill(clips.mp4, "moov/trak/mdia/minf/dinf/dref", body)

    return make


def _subtitled_avi(clips: Clips) -> bytes:
    """AVI may carry a subtitle file, which FFmpeg opens with whatever demuxer knows it."""
    inner = _playlist(f"file://{clips.outside.file}").encode()
    head = b"GAB2\0" + (2).to_bytes(2, "little") + (2).to_bytes(4, "little") + b"x\0"
    text = head + (4).to_bytes(2, "little") + len(inner).to_bytes(4, "little") + inner
    data = clips.container("titled.avi", "-bf", "0")
    header = b"txts" + bytes(16) + (1).to_bytes(4, "little") * 2 + bytes(8)
    strh = b"strh" + (56).to_bytes(4, "little") + header.ljust(56, b"\0")
    strl = b"LIST" + (4 + len(strh)).to_bytes(4, "little") + b"strl" + strh
    chunk = b"02tx" + len(text).to_bytes(4, "little") + text + bytes(len(text) % 2)
    return _inserted(data, strl, chunk)


def _inserted(data: bytes, stream: bytes, chunk: bytes) -> bytes:
    """Put a stream's header behind the last one, and its data before the others'."""
    movi = data.index(b"movi")
    hdrl_end = 20 + int.from_bytes(data[16:20], "little")
    hdrl = int.from_bytes(data[16:20], "little") + len(stream)
    body = data[20:hdrl_end] + stream + data[hdrl_end : movi - 4]
    size = int.from_bytes(data[movi - 4 : movi], "little") + len(chunk)
    rest = size.to_bytes(4, "little") + b"movi" + chunk + data[movi + 4 :]
    riff = data[8:16] + hdrl.to_bytes(4, "little") + body + rest
    return b"RIFF" + len(riff).to_bytes(4, "little") + riff


def _attached(clips: Clips) -> bytes:
    """Matroska that carries a file whose name climbs out."""
    evil = clips.path("evil.txt", b"evil")
    good = clips.path("good.mp4", clips.mp4)
    named = ("mimetype=text/plain", "filename=../../../tmp/evil.txt")
    tags = [part for tag in named for part in ("-metadata:s:t", tag)]
    return clips.made("attached.mkv", "-i", good, "-c", "copy", "-attach", evil, *tags)


def _titled(clips: Clips) -> bytes:
    """Titles whose text and style ask for files."""
    where = clips.outside
    text = f"1\n00:00:00,000 --> 00:00:01,000\n<img src='{where.url}'>{{\\fn{where.file}}}\n"
    titles = clips.path("outside.srt", text.encode())
    good = clips.path("good.mp4", clips.mp4)
    return clips.made("outside.mkv", "-i", good, "-i", titles, "-c", "copy", "-c:s", "ass")


CASES = (
    *(Case(name=f"playlist of {what} called {file}", ends=REJECTED, file=file, reason="not a video",
           make=lambda clips, what=what: _playlist(_addresses(clips.outside)[what]).encode())  # type: ignore[misc]  # bound early
      for what in ("a file", "a port") for file in NAMES),
    *(Case(name=f"playlist of {what}", ends=REJECTED, file="list.m3u8", reason="not a video",
           make=lambda clips, what=what: _playlist(_addresses(clips.outside)[what]).encode())  # type: ignore[misc]  # bound early
      for what in ADDRESSES if what not in {"a file", "a port"}),
    *(_text(name, file, text) for name, (file, text) in TEXTS.items()),
    Case(name="MP4 whose frames are at a port", ends=OPEN,
         make=_referring(lambda outside: outside.url, b"url ")),
    Case(name="MP4 whose frames are in a file", ends=OPEN,
         make=_referring(lambda outside: f"file://{outside.file}", b"url ")),
    Case(name="MP4 whose frames are in a file by name", ends=OPEN,
         make=_referring(lambda outside: f"file://{outside.file}", b"urn ")),
    Case(name="QuickTime whose frames are in a file", ends=OPEN, file="clip.mov",
         make=_referring(lambda outside: f"file://{outside.file}", b"alis")),
    Case(name="AVI with a playlist as its titles", make=_subtitled_avi, ends=HURT, file="clip.avi"),
    Case(name="Matroska with a file that climbs out", make=_attached, ends=OPEN, file="clip.mkv"),
    Case(name="titles that ask for files", make=_titled, ends=OPEN, file="clip.mkv"),
)  # fmt: skip
