"""Puts together what is uploaded as a function: our code and, for the cloud, its dependencies.

    python -m infra.bundling --stage local     build/local/<hash>/            code only
    python -m infra.bundling --stage prod      build/bundles/<group>-<hash>/  code and wheels

Each folder is named by the hash of all that went into it, so a second call finds it ready, and two
calls at once cannot disturb each other. On one machine the dependencies are those of the
interpreter that runs everything; in the cloud uv fetches arm64 wheels for Python 3.13 by hash,
without Docker and without compiling anything.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GROUPS: Final = ("wallet", "api", "batch", "reprocess")
TARGET_PYTHON: Final = (3, 13)
# Not manylinux2014: no recent wheel of solders or psycopg exists for it, and a resolver without
# pins answers with versions that are years old.
TARGET_PLATFORM: Final = "aarch64-manylinux_2_28"
# Lambda's limit for a function and its layers together, unzipped.
UNZIPPED_BYTES_MAX: Final = 250 * 1024 * 1024
INSTALL_TIMEOUT_S: Final = 300
HASH_CHARS: Final = 16

FFMPEG_LAYER: Final = Path("build/layers/ffmpeg-arm64")
LEFT_OUT: Final = frozenset({"__pycache__", "tests", "bin"})


class BundleError(Exception):
    """A bundle cannot be made; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """Folders ready to be uploaded.

    Attributes:
        code: Dependency group to the folder that becomes a function.
        ffmpeg_layer: The layer's folder; None on one machine, which names its FFmpeg by path.
    """

    code: Mapping[str, Path]
    ffmpeg_layer: Path | None


def bundle(stage: str, root: Path) -> Bundles:
    """Make, or find, everything one stage uploads.

    Args:
        stage: local, or a stage in the cloud.
        root: The repository.

    Raises:
        BundleError: A wheel is missing, the layer was not built, or the result is too big.
    """
    if stage == "local":
        code = local_code(root)
        return Bundles(code=dict.fromkeys(GROUPS, code), ffmpeg_layer=None)
    layer = root / FFMPEG_LAYER
    if not (layer / "bin" / "ffmpeg").is_file():
        raise BundleError(
            f"{FFMPEG_LAYER}/bin/ffmpeg is missing: "
            "run `python -m layers.ffmpeg.build --arch arm64`"
        )
    code_by_group = {group: cloud_bundle(group, root) for group in GROUPS}
    _check_sizes(code_by_group, layer)
    return Bundles(code=code_by_group, ffmpeg_layer=layer)


def local_code(root: Path) -> Path:
    """The code of all functions, without dependencies."""
    files = list(_shipped(root, GROUPS))
    folder = root / "build" / "local" / _digest(files, root)
    with _made_once(folder) as making:
        if making is not None:
            _copy_code(files, root, making)
    return folder


def cloud_bundle(group: str, root: Path) -> Path:
    """The code of one group with its locked dependencies for Lambda."""
    files = list(_shipped(root, (group,)))
    wheels = _wheels(root / "requirements" / f"{group}.txt", root)
    folder = root / "build" / "bundles" / f"{group}-{_digest(files, root, wheels.name)}"
    with _made_once(folder) as making:
        if making is not None:
            # Hard links: a hundred megabytes are not copied for one changed line of ours.
            shutil.copytree(wheels, making, copy_function=os.link, dirs_exist_ok=True)
            _copy_code(files, root, making)
            _precompile(making)
    return folder


def unzipped_bytes(folder: Path) -> int:
    """The sum of the sizes of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _shipped(root: Path, groups: tuple[str, ...]) -> Iterator[Path]:
    """Our files that run in Lambda, in a stable order; never local, ops or tests."""
    yield root / "pixr" / "__init__.py"
    yield from sorted((root / "functions").glob("*.py"))
    folders = ["pixr/domain", "pixr/adapters", *(f"functions/{group}" for group in groups)]
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root).parts
            if path.is_file() and path.suffix != ".pyc" and LEFT_OUT.isdisjoint(parts):
                yield path


def _digest(files: list[Path], root: Path, *more: str) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:HASH_CHARS]


def _copy_code(files: list[Path], root: Path, folder: Path) -> None:
    for path in files:
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _wheels(requirements: Path, root: Path) -> Path:
    """Unpack a group's locked wheels for Lambda's platform.

    Raises:
        BundleError: uv could not, for the reason in the message.
    """
    name = f"{requirements.stem}-{_digest([requirements], root, TARGET_PLATFORM)}"
    folder = root / "build" / "wheels" / name
    with _made_once(folder) as making:
        if making is not None:
            version = ".".join(map(str, TARGET_PYTHON))
            command = [
                *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"),
                *("--target", str(making), "--no-installer-metadata", "--require-hashes"),
                *("--python-platform", TARGET_PLATFORM, "--python-version", version),
                *("--only-binary", ":all:", "--requirement", str(requirements)),
            ]
            done = subprocess.run(  # noqa: S603 - the command above, nothing of a stranger's
                command, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S
            )
            if done.returncode:
                reason = " ".join(done.stderr.split()) or "no reason given"
                raise BundleError(f"wheels of {requirements.name} cannot be installed: {reason}")
            shutil.rmtree(making / "bin", ignore_errors=True)
            (making / ".lock").unlink(missing_ok=True)
    return folder


def _precompile(folder: Path) -> None:
    """Write bytecode, when this interpreter writes the kind that Lambda reads."""
    if sys.version_info[:2] == TARGET_PYTHON:
        compileall.compile_dir(
            folder,
            quiet=1,
            stripdir=str(folder),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


@contextlib.contextmanager
def _made_once(folder: Path) -> Iterator[Path | None]:
    """Give an empty folder to fill, which then takes the name; None when it exists already."""
    if folder.is_dir():
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        yield making
        making.chmod(0o755)
        # The other of two at once came first, and its folder is the same.
        with contextlib.suppress(OSError):
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _check_sizes(code: Mapping[str, Path], layer: Path) -> None:
    layer_bytes = unzipped_bytes(layer)
    for group, folder in code.items():
        total = unzipped_bytes(folder) + (layer_bytes if group == "reprocess" else 0)
        if total > UNZIPPED_BYTES_MAX:
            raise BundleError(
                f"bundle {group} has {total:,} bytes with its layer; "
                f"Lambda takes {UNZIPPED_BYTES_MAX:,}"
            )


def main() -> None:
    """Make the bundles of one stage and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stage", default="dev", choices=("local", "dev", "prod"))
    root = Path.cwd()
    try:
        bundles = bundle(parser.parse_args().stage, root)
    except BundleError as error:
        sys.exit(f"bundling: {error}")
    layer = {"ffmpeg layer": bundles.ffmpeg_layer} if bundles.ffmpeg_layer else {}
    for name, folder in {**bundles.code, **layer}.items():
        size = unzipped_bytes(folder) / 2**20
        sys.stdout.write(f"{name:12} {size:8.1f} MiB unzipped  {folder.relative_to(root)}\n")


if __name__ == "__main__":
    main()
