"""Good videos of every kind of picture, and pictures at the edge of what there is."""

from typing import Any

from tests.corpus.case import CHEAP, HURT, OPEN, PUBLISHED, REJECTED, Case, Clips, made, recut

TINY = r"smaller than|side"
HUGE = r"longer than \d+ pixels|pixels"

X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
PQ = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
HLG = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
WIDE = "primaries=bt2020:matrix=bt2020nc"
MASTERED = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
LINEAR = "zscale=transferin=bt709:primariesin=bt709:matrixin=bt709:rangein=limited"


def _x264(pixels: str) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", pixels)


def _x265(pixels: str) -> tuple[str, ...]:
    return (*X265, "-pix_fmt", pixels)


def _sized(size: str, ends: frozenset[str], reason: str = "", **options: Any) -> Case:
    return made(f"{size} pixels", ends, reason, size=size, audio=(), **options)


def _coded(
    name: str, ends: frozenset[str], *video: str, file: str = "clip.mkv", **options: Any
) -> Case:
    return made(name, ends, file=file, video=("-c:v", *video), audio=(), **options)


def _covered(clips: Clips) -> bytes:
    """A video that comes after its own cover picture."""
    cover = clips.path("cover.png", clips.made("made.png", "-f", "lavfi", "-i", "color=red:s=64x64",
                                               "-frames:v", "1"))  # fmt: skip
    good = clips.path("good.mp4", clips.mp4)
    maps = ("-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic")
    return clips.made("covered.mp4", "-i", good, "-i", cover, *maps)


def _wide_bomb(clips: Clips) -> bytes:
    """67 million pixels a frame, in a few kilobytes."""
    picture = ("-f", "lavfi", "-i", "color=gray:s=8192x8192:r=12")
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "rc-lookahead=0:threads=1")
    return clips.made("bomb.mp4", *picture, "-frames:v", "3", *coding)


def _size_that_changes(clips: Clips) -> bytes:
    """A transport stream that goes on in another size."""
    first = clips.container("first.ts")
    second = clips.numbered("second.ts", size="320x240", audio=CHEAP)
    return first + second


TURNS = (
    *(recut(f"turned by {turn} degrees", PUBLISHED, "-c", "copy",
            before=("-display_rotation", str(turn))) for turn in (90, 180, 270)),
    recut("turned by 33 degrees", OPEN, "-c", "copy", before=("-display_rotation", "33")),
    recut("mirrored", OPEN, "-c", "copy", before=("-display_hflip",)),
    recut("turned and upside down", OPEN, "-c", "copy",
          before=("-display_rotation", "90", "-display_vflip")),
)  # fmt: skip

SHAPES = (
    made("anamorphic", PUBLISHED, size="720x576", options=("-vf", "setsar=64/45"), audio=()),
    *(recut(f"pixels {shape.replace('/', ' to ')} in the stream", HURT, "-c", "copy",
            "-bsf:v", f"h264_metadata=sample_aspect_ratio={shape}")
      for shape in ("1000/1", "1/1000", "65535/1", "1/65535", "255/254")),
    _sized("1x1", OPEN, TINY, video=("-c:v", "png"), file="clip.mov"),
    _sized("2x2", OPEN, TINY),
    _sized("16x16", PUBLISHED),
    _sized("18x1000", OPEN),
    _sized("17x17", OPEN, video=_x264("yuv444p")),
    _sized("161x121", PUBLISHED, video=_x264("yuv444p")),
    _sized("14x160", REJECTED, TINY),
    _sized("160x14", REJECTED, TINY),
    _sized("8192x16", OPEN),
    _sized("16x8192", OPEN),
    _sized("8194x16", REJECTED, HUGE),
    _sized("16384x16", REJECTED, HUGE),
    Case(name="8192x8192 pixels of gray", make=_wide_bomb, ends=HURT),
    Case(name="a size that changes", make=_size_that_changes, ends=HURT, file="clip.ts"),
)  # fmt: skip

FIELDS = (
    made("top field first", OPEN, options=("-x264-params", "tff=1")),
    made("bottom field first", OPEN, options=("-x264-params", "bff=1")),
    made("fields of MPEG-2", OPEN, file="clip.ts", audio=(), rate="25",
         video=("-c:v", "mpeg2video"), options=("-vf", "setfield=tff", "-flags", "+ildct+ilme")),
    made("progressive pictures that say they are fields", OPEN,
         options=("-x264-params", "fake-interlaced=1")),
    made("fields in the container only", OPEN, file="clip.mov", options=("-field_order", "tt")),
)  # fmt: skip

COLOURS = (
    made("10 bit", PUBLISHED, video=_x265("yuv420p10le")),
    made("10 bit H.264", PUBLISHED, video=_x264("yuv420p10le")),
    made("12 bit", OPEN, video=_x265("yuv420p12le")),
    made("4:2:2", PUBLISHED, video=_x264("yuv422p")),
    made("4:2:2 of 10 bit", PUBLISHED, video=_x264("yuv422p10le")),
    made("4:4:4", PUBLISHED, video=_x264("yuv444p")),
    made("gray", PUBLISHED, video=_x264("gray")),
    made("full range", PUBLISHED, video=_x264("yuvj420p")),
    made("RGB", OPEN, video=("-c:v", "libx264rgb", "-preset", "ultrafast", "-pix_fmt", "rgb24")),
    made("HDR10 by its tags", OPEN, "HDR", video=_x265("yuv420p10le"), options=("-vf", PQ)),
    made("HDR10 in 8 bit", OPEN, "HDR", options=("-vf", PQ)),
    made("HDR10 with mastering data", OPEN, "HDR", audio=(), options=("-vf", PQ), video=(
        "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params",
        f"log-level=none:{MASTERED}:max-cll=1000,400:hdr10=1")),
    made("HDR10 really converted", OPEN, "HDR", video=_x265("yuv420p10le"), audio=(), options=(
        "-vf", f"{LINEAR}:transfer=smpte2084:{WIDE}:npl=100,format=yuv420p10le")),
    made("HLG", OPEN, "HLG", video=_x265("yuv420p10le"), options=("-vf", HLG)),
    made("HLG really converted", OPEN, "HLG", video=_x265("yuv420p10le"), audio=(), options=(
        "-vf", f"{LINEAR}:transfer=arib-std-b67:{WIDE},format=yuv420p10le")),
    made("wide colours without HDR", OPEN, video=_x265("yuv420p10le"), options=(
        "-vf", "setparams=color_primaries=bt2020:color_trc=bt2020-10:colorspace=bt2020nc")),
    made("HDR10 of matrix 0", OPEN, "HDR", options=(
        "-vf", "setparams=color_trc=smpte2084:colorspace=gbr")),
    made("a transfer nobody has", OPEN, options=("-vf", "setparams=color_trc=smpte428")),
)  # fmt: skip

CODECS = (
    made("VP9 in MP4", PUBLISHED, video=VP9),
    made("VP9 with transparency", OPEN, file="clip.webm", audio=(),
         video=(*VP9, "-pix_fmt", "yuva420p")),
    _coded("VP8", PUBLISHED, "libvpx", "-deadline", "realtime", "-cpu-used", "8", file="clip.webm"),
    _coded("AV1", PUBLISHED, "libsvtav1", "-preset", "12", file="clip.mp4"),
    _coded("HEVC in Matroska", PUBLISHED, *X265[1:]),
    _coded("MPEG-2", PUBLISHED, "mpeg2video", rate="25"),
    _coded("MPEG-4 part 2", PUBLISHED, "mpeg4", "-bf", "2", file="clip.mp4"),
    _coded("Motion JPEG", PUBLISHED, "mjpeg", "-pix_fmt", "yuvj420p", file="clip.mov"),
    _coded("ProRes", PUBLISHED, "prores_ks", file="clip.mov"),
    _coded("ProRes with transparency", OPEN, "prores_ks", "-profile:v", "4444", "-pix_fmt",
           "yuva444p10le", file="clip.mov"),
    _coded("FFV1", PUBLISHED, "ffv1"),
    _coded("raw frames in AVI", OPEN, "rawvideo", "-pix_fmt", "yuv420p", file="clip.avi"),
    _coded("raw frames in QuickTime", PUBLISHED, "rawvideo", "-pix_fmt", "uyvy422",
           file="clip.mov"),
    _coded("Theora", OPEN, "libtheora", file="clip.ogv"),
    _coded("Sorenson in Flash", OPEN, "flv", file="clip.flv"),
    _coded("Windows Media", REJECTED, "wmv2", file="clip.wmv"),
)  # fmt: skip

TRACKS = (
    Case(name="its cover picture comes first", make=_covered, ends=PUBLISHED),
    recut("two videos", OPEN, "-map", "0:v", "-map", "0:v", "-map", "0:a", "-c", "copy"),
    recut("twenty videos", OPEN, *("-map", "0:v") * 20, "-c", "copy"),
    recut("video without sound", PUBLISHED, "-an", "-c", "copy"),
    recut("a track of time codes", PUBLISHED, "-c", "copy", "-timecode", "01:00:00:00",
          file="clip.mov"),
)  # fmt: skip


def _titled(clips: Clips) -> bytes:
    """Subtitles, data and chapters beside the picture."""
    text = clips.path("titles.srt", b"1\n00:00:00,000 --> 00:00:01,000\n<b>Hello</b> {\\i1}\n")
    marks = clips.path("marks.ini", b";FFMETADATA1\ntitle=x\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\n"
                       b"END=1000\ntitle=one\n")  # fmt: skip
    good = clips.path("good.mp4", clips.mp4)
    maps = ("-map", "1", "-map", "0", "-map_metadata", "2", "-map_chapters", "2")
    coding = ("-c", "copy", "-c:s", "mov_text")
    return clips.made("titled.mp4", "-i", good, "-i", text, "-i", marks, *maps, *coding)


CASES = (
    *TURNS,
    *SHAPES,
    *FIELDS,
    *COLOURS,
    *CODECS,
    *TRACKS,
    Case(name="subtitles and chapters come first", make=_titled, ends=PUBLISHED),
)
