"""Files that are no videos, whatever they are called."""

import io
import random
import zipfile
import zlib

from tests.corpus.case import REJECTED, Case, Clips

NO_VIDEO = r"not a video|empty|truncated|no video in the file"


def _given(name: str, body: bytes, file: str = "clip.mp4") -> Case:
    return Case(name=name, make=lambda _: body, ends=REJECTED, reason=NO_VIDEO, file=file)


def _still(ending: str, *options: str, file: str = "") -> Case:
    def make(clips: Clips) -> bytes:
        picture = ("-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1")
        return clips.made(f"still.{ending}", *picture, *options)

    name = file or f"still.{ending}"
    return Case(name=f"{name}, a still", make=make, ends=REJECTED, reason=NO_VIDEO, file=name)


def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("clip.mp4"), bytes(100))
    return archive.getvalue()


HTML = b"<!doctype html><html><body><video src='http://127.0.0.1/x.mp4'></video></body></html>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"

CASES = (
    _given("nothing", b""),
    *(_given(f"one byte, {value:02x}", bytes([value])) for value in (0, 0x1A, 0x47, 0xFF)),
    _given("seven bytes", b"\0\0\0\x20fty"),
    _given("a header alone", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2"),
    _given("zeros", bytes(100_000)),
    _given("ones", b"\xff" * 100_000),
    _given("noise", random.Random(1).randbytes(100_000)),
    _given("marks of a transport stream alone", (b"\x47" + bytes(187)) * 100, "clip.ts"),
    _given("start codes alone", b"\0\0\1\xb3" * 1000, "clip.mpg"),
    _given("marks of Ogg alone", b"OggS" * 1000, "clip.ogv"),
    _given("text", b"just a text, " * 100),
    _given("HTML", HTML),
    _given("HTML called .html", HTML, "page.html"),
    _given("SVG", SVG, "clip.svg"),
    _given("JSON", b'{"video": true}'),
    _given("a script", b"#!/bin/sh\nrm -rf /\n"),
    _given("zip", _zipped()),
    _given("gzip", zlib.compress(bytes(10_000), wbits=31)),
    _given("PDF", b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF"),
    _given("ELF", b"\x7fELF" + bytes(1000)),
    _given("empty RIFF", b"RIFF\4\0\0\0AVI ", "clip.avi"),
    _given("empty EBML", b"\x1aE\xdf\xa3\x80", "clip.mkv"),
    _given("EBML that nests", b"\x1aE\xdf\xa3\x01" + b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\xff" * 500,
           "clip.mkv"),
    _given("boxes that nest", b"\0\0\xff\xff" + b"moov\0\0\xff\xf0" * 5_000),
    _given("boxes without end", b"\0\0\0\0moov" * 1_000),
    _given("boxes of 64 bits without end", b"\0\0\0\1moov\0\0\0\0\0\0\0\x10" * 1_000),
    _still("png"),
    _still("jpg"),
    _still("gif"),
    _still("webp"),
    _still("bmp"),
    _still("tiff"),
    _still("avif"),
    _still("png", file="still.mp4"),
    Case(name="GIF that moves", make=lambda clips: clips.made("moves.gif", "-r", "5",
         source=clips.mp4), ends=REJECTED, reason=NO_VIDEO, file="moves.gif"),
    Case(name="WebP that moves", make=lambda clips: clips.made("moves.webp", "-r", "5",
         source=clips.mp4), ends=REJECTED, reason=NO_VIDEO, file="moves.webp"),
    Case(name="APNG that moves", make=lambda clips: clips.made("moves.apng", "-r", "5",
         source=clips.mp4), ends=REJECTED, reason=NO_VIDEO, file="moves.apng"),
    Case(name="raw H.264", make=lambda clips: clips.made("raw.h264", "-c", "copy", "-an",
         source=clips.mp4), ends=REJECTED, reason=NO_VIDEO, file="raw.h264"),
    Case(name="YUV4MPEG", make=lambda clips: clips.made("raw.y4m", "-an", source=clips.mp4),
         ends=REJECTED, reason=NO_VIDEO, file="raw.y4m"),
    Case(name="subtitles", make=lambda _: b"1\n00:00:00,000 --> 00:00:09,000\nHello\n",
         ends=REJECTED, reason=NO_VIDEO, file="titles.srt"),
)  # fmt: skip
