"""Every kind of sound beside a good picture, and sound alone."""

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, Case, edited, recut

ALONE = "no video in the file|not a video that can be read"
SILENCE = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo")


def _coded(
    name: str, ends: frozenset[str], *audio: str, file: str = "clip.mp4", layout: str = "stereo",
    rate: int = 48_000,
) -> Case:  # fmt: skip
    """The good picture with new sound."""
    tone = f"sine=f=440:r={rate}:d=2,aformat=channel_layouts={layout}"
    coding = ("-map", "1:v", "-map", "0:a", "-c:v", "copy", *audio)
    return recut(name, ends, *coding, file=file, before=("-f", "lavfi", "-i", tone))


def _noise(data: bytes) -> bytes:
    """The sound's first packets are zeros; the picture's are whole."""
    places = atoms.read(data, "moov/trak[1]/mdia/minf/stbl/stco")
    sizes = atoms.read(data, "moov/trak[1]/mdia/minf/stbl/stsz")
    start = int.from_bytes(places[8:12], "big")
    length = int.from_bytes(sizes[12:16], "big")
    return data[:start] + bytes(length) + data[start + length :]


CASES = (
    _coded("AAC 5.1", PUBLISHED, "-c:a", "aac", layout="5.1"),
    _coded("AAC 7.1", PUBLISHED, "-c:a", "aac", layout="7.1"),
    _coded("AAC mono of 8 kHz", PUBLISHED, "-c:a", "aac", layout="mono", rate=8_000),
    _coded("AAC of 96 kHz", PUBLISHED, "-c:a", "aac", rate=96_000),
    _coded("AC-3 5.1", PUBLISHED, "-c:a", "ac3", layout="5.1"),
    _coded("MP3", PUBLISHED, "-c:a", "libmp3lame"),
    _coded("Opus", PUBLISHED, "-c:a", "libopus"),
    _coded("ALAC", PUBLISHED, "-c:a", "alac"),
    _coded("Vorbis in Matroska", PUBLISHED, "-c:a", "libvorbis", file="clip.mkv"),
    _coded("PCM in QuickTime", PUBLISHED, "-c:a", "pcm_s16le", file="clip.mov"),
    _coded("sound of 4 kHz", HURT, "-c:a", "pcm_u8", rate=4_000, layout="mono", file="clip.mov"),
    recut("sound longer than the picture", PUBLISHED, "-map", "1:v", "-map", "0:a", "-c:v", "copy",
          "-c:a", "aac", before=("-t", "9", *SILENCE)),
    recut("sound shorter than the picture", PUBLISHED, "-map", "1:v", "-map", "0:a", "-c:v", "copy",
          "-c:a", "aac", before=("-t", "0.3", *SILENCE)),
    recut("sound that starts a second late", PUBLISHED,
          "-map", "1:v", "-map", "0:a", "-c:v", "copy",
          "-c:a", "aac", before=("-itsoffset", "1", "-t", "1", *SILENCE)),
    recut("sound that starts an hour late", OPEN, "-map", "1:v", "-map", "0:a", "-c:v", "copy",
          "-c:a", "aac", before=("-itsoffset", "3600", "-t", "1", *SILENCE)),
    recut("two sounds", PUBLISHED, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy"),
    recut("sound before picture", PUBLISHED, "-map", "0:a", "-map", "0:v", "-c", "copy"),
    edited("sound whose first packet is zeros", HURT, _noise),
    recut("m4a", REJECTED, "-vn", "-c", "copy", file="song.m4a", reason=ALONE),
    recut("mp3", REJECTED, "-vn", "-c:a", "libmp3lame", file="song.mp3", reason=ALONE),
    recut("wav", REJECTED, "-vn", file="song.wav", reason=ALONE),
    recut("flac", REJECTED, "-vn", file="song.flac", reason=ALONE),
    recut("ogg", REJECTED, "-vn", "-c:a", "libvorbis", file="song.ogg", reason=ALONE),
    recut("mka", REJECTED, "-vn", "-c", "copy", file="song.mka", reason=ALONE),
)  # fmt: skip
