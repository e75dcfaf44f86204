"""``pixr wallet derive``: the addresses of users, from whatever keeps the master seed.

The drill after a restore of the key, and the proof that a key in KMS is the right one: the
published vectors and the pinned addresses must come out. It prints no seed and no private key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pixr.adapters.keys import AnySeed
from pixr.domain.errors import Malformed
from pixr.domain.users import check_user_id
from pixr.domain.wallets import DERIVATION_VERSION
from pixr.local.errors import LocalError
from pixr.local.home import running_home
from pixr.ops import master_seeds


def command(
    action: Annotated[str, Argument(help="`derive`.")],
    user_id: Annotated[
        list[str], Option(help="A user, exactly as the identity provider says it; may be repeated.")
    ],
    data: Annotated[
        Path | None, Option(help="A running machine's directory; the environment by default.")
    ] = None,
) -> None:
    """Print each address with the version of its derivation, and nothing else."""
    if action != "derive":
        raise LocalError(f"There is no `pixr wallet {action[:64]}`.", mend="Say `derive`.")
    try:
        users = [check_user_id(user) for user in user_id]
    except Malformed as error:
        raise LocalError("A --user-id is none.", mend=f"It {error.rule}.") from error
    seed = _seed(data)
    with master_seeds.told():
        addresses = [seed.wallet(user).address for user in users]
    for address in addresses:
        print(f"{address} v{DERIVATION_VERSION}")


def _seed(data: Path | None) -> AnySeed:
    if data is not None:
        return master_seeds.of_machine(running_home(data)[0].path)
    seed = master_seeds.of_environment()
    if seed is None:
        raise LocalError(
            "Nothing names a master seed.",
            mend="Set MASTER_SEED_ARN to a secret or a KMS key, or name a machine with --data.",
        )
    return seed
