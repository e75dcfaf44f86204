"""A machine's folder: one machine at a time, secrets made once."""

from __future__ import annotations

import base64
import dataclasses
import os
import stat
from pathlib import Path

import pytest

from pixr.local.errors import LocalError
from pixr.local.home import NOWHERE, held_home, running_home


def test_secrets_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    with held_home(tmp_path / "m") as home:
        seed, treasury = home.master_seed(), home.treasury()
        assert len(base64.b64decode(seed)) == 64
    with held_home(tmp_path / "m") as home:
        assert home.master_seed() == seed
        assert home.treasury() == treasury
        assert stat.S_IMODE((home.path / "secrets").stat().st_mode) == 0o700
        for file in (home.path / "secrets").iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_machine_on_the_folder_is_refused(tmp_path: Path) -> None:
    with (
        held_home(tmp_path),
        pytest.raises(LocalError, match=f"already runs on .* \\(process {os.getpid()}\\)"),
        held_home(tmp_path),
    ):
        pass
    with held_home(tmp_path):
        pass


def test_forgetting_spares_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("four years")
    with held_home(tmp_path) as home:
        seed = home.master_seed()
        home.forget()
        assert home.master_seed() != seed
    assert (tmp_path / "thesis.txt").read_text() == "four years"


def test_a_deployment_is_remembered_by_what_it_was_made_of(tmp_path: Path) -> None:
    with held_home(tmp_path) as home:
        assert home.deployment("f1") is None
        home.remember_deployment("f1", {"api_id": "a"})
        assert home.deployment("f1") == {"api_id": "a"}
        assert home.deployment("f2") is None


def test_a_machine_is_found_only_while_it_runs(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"No machine runs.*pixr up"):
        running_home(tmp_path / "none")
    with held_home(tmp_path) as home:
        home.describe(dataclasses.replace(NOWHERE, url="http://127.0.0.1:1"))
        assert running_home(tmp_path)[1].url == "http://127.0.0.1:1"
    with pytest.raises(LocalError, match="No machine runs"):
        running_home(tmp_path)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(LocalError, match=r"data directory .*file.* cannot be used.*--data"),
        held_home(tmp_path / "file"),
    ):
        pass


def test_a_treasury_key_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    with held_home(tmp_path) as home:
        (home.folder("secrets") / "treasury-key").write_text("AAAA")
        with pytest.raises(LocalError, match="treasury-key is not a key"):
            home.treasury()
