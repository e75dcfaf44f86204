"""Where a word of the command line finds the master seed."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from functions.settings import BadSettings, MasterSeedSettings
from pixr.adapters.keys import AnySeed, KeysUnreachable, load_master_seed
from pixr.local.errors import LocalError
from pixr.local.home import Home

VARIABLES: Final = ("MASTER_SEED_ARN", "MASTER_SEED")


def of_machine(home: Path) -> AnySeed:
    """The master seed in the directory of a machine."""
    return load_master_seed(Home(path=home).master_seed())


def of_environment(environ: Mapping[str, str] = os.environ) -> AnySeed | None:
    """The master seed that the environment names, as it does for the functions; None: it does not.

    Raises:
        LocalError: What it names is malformed, is not allowed in its STAGE, or cannot be read.
    """
    if not any(environ.get(name) for name in VARIABLES):
        return None
    try:
        where = MasterSeedSettings.read(environ).master_seed_at
    except BadSettings as error:
        raise LocalError(f"{error}.", mend="Set MASTER_SEED_ARN.") from error
    with told():
        return load_master_seed(where)


@contextmanager
def told() -> Generator[None]:
    """Tell an operator in one line that the key does not answer.

    Raises:
        LocalError: It does not.
    """
    try:
        yield
    except KeysUnreachable as error:
        raise LocalError(
            f"The master seed cannot be read ({error}).",
            mend="Mend access to it, or unset MASTER_SEED_ARN where it is not needed.",
        ) from error
