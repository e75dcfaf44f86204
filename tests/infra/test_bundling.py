"""A bundle holds what runs and nothing else, and is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import BundleError, bundle, local_code, unzipped_bytes


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A tree with one file of every kind that ships, and of every kind that does not."""
    for name in (
        "pixr/__init__.py",
        "pixr/domain/money.py",
        "pixr/domain/__pycache__/money.pyc",
        "pixr/adapters/postgres/sql/payouts/insert.sql",
        "pixr/local/chain.py",
        "pixr/ops/cli.py",
        "functions/__init__.py",
        "functions/settings.py",
        "functions/wallet/handler.py",
        "functions/api/handler.py",
        "functions/api/tests/test_handler.py",
        "functions/batch/handler.py",
        "functions/reprocess/plan.py",
        "tests/test_all.py",
        "requirements/wallet.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


SHARED = {
    "pixr/__init__.py",
    "pixr/domain/money.py",
    "pixr/adapters/postgres/sql/payouts/insert.sql",
    "functions/__init__.py",
    "functions/settings.py",
}


def test_one_machine_gets_the_code_of_every_function(repository: Path) -> None:
    assert files(local_code(repository)) == SHARED | {
        "functions/wallet/handler.py",
        "functions/api/handler.py",
        "functions/batch/handler.py",
        "functions/reprocess/plan.py",
    }


def test_the_same_code_is_staged_once(repository: Path) -> None:
    first = local_code(repository)
    made_at = first.stat().st_mtime_ns
    assert local_code(repository) == first
    assert first.stat().st_mtime_ns == made_at
    assert files(first.parent) == {f"{first.name}/{name}" for name in files(first)}


def test_changed_code_gets_a_folder_of_its_own(repository: Path) -> None:
    before = local_code(repository)
    (repository / "pixr/domain/money.py").write_text("LAMPORTS_PER_SOL = 1_000_000_000\n")
    after = local_code(repository)
    assert after != before
    assert (after / "pixr/domain/money.py").read_text()
    assert not (before / "pixr/domain/money.py").read_text()


def test_what_does_not_ship_changes_nothing(repository: Path) -> None:
    before = local_code(repository)
    (repository / "pixr/local/chain.py").write_text("changed = True\n")
    (repository / "tests/test_all.py").write_text("changed = True\n")
    assert local_code(repository) == before


def test_a_bundle_for_the_cloud_holds_one_function(repository: Path) -> None:
    # No requirements, so no wheels: this is about our own code.
    folder = bundling.cloud_bundle("wallet", repository)
    assert files(folder) == SHARED | {"functions/wallet/handler.py"}
    assert bundling.cloud_bundle("wallet", repository) == folder


def test_a_requirement_without_a_hash_is_refused(repository: Path) -> None:
    (repository / "requirements/wallet.txt").write_text("urllib3==2.8.0\n")
    with pytest.raises(BundleError, match=r"wheels of wallet\.txt cannot be installed: .*hash"):
        bundling.cloud_bundle("wallet", repository)
    assert not list((repository / "build/wheels").iterdir()), "nothing half made stays"


def test_a_missing_layer_is_one_line_that_says_how_to_build_it(repository: Path) -> None:
    with pytest.raises(BundleError, match=r"is missing: run `python -m layers\.ffmpeg\.build"):
        bundle("prod", repository)


def test_a_bundle_over_lambdas_limit_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for group in bundling.GROUPS:
        (repository / f"requirements/{group}.txt").write_text("")
    layer = repository / bundling.FFMPEG_LAYER / "bin"
    layer.mkdir(parents=True)
    (layer / "ffmpeg").write_bytes(bytes(1000))
    assert bundle("prod", repository).ffmpeg_layer == repository / bundling.FFMPEG_LAYER
    monkeypatch.setattr(bundling, "UNZIPPED_BYTES_MAX", 999)
    with pytest.raises(BundleError, match="bundle reprocess has 1,000 bytes with its layer"):
        bundle("prod", repository)


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(bytes(10))
    (tmp_path / "two").write_bytes(bytes(5))
    assert unzipped_bytes(tmp_path) == 15
