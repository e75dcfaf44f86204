"""``pixr treasury keygen``: a new key pair in a file, for a member or for whoever pays; offline."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

from solders.keypair import Keypair
from typer import Argument

from pixr.local.errors import LocalError

MODE = 0o600


def command(
    file: Annotated[Path, Argument(help="The file to make; it must not exist.")],
) -> None:
    """Print the address and nothing else. Exit code 2: the file could not be made."""
    keypair = Keypair()
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(opened, "w") as written:
            written.write(json.dumps(list(bytes(keypair))) + "\n")
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        raise LocalError(
            f"{file} cannot be made: {error.strerror}.", mend="Name another; no key is overwritten."
        ) from error
    print(keypair.pubkey())
