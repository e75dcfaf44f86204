"""``pixr treasury sign``: one member's signature, on a machine that needs no network.

What is shown is read from the bytes that are signed. The rest of the file is only compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Exit, Option

from pixr.local.errors import LocalError
from pixr.ops.reserving import keyfile, paper

DECLINED = 1


def command(
    file: Annotated[Path, Argument(help="What `pixr treasury propose` wrote.")],
    *,
    key: Annotated[Path, Option(help="The member's key file.")],
    yes: Annotated[bool, Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Exit code 0: the signature is in the file. 1: declined. 2: it could not be tried."""
    found = paper.load(file)
    member = keyfile.read(key)
    if member.address not in found.proposal.signers:
        raise LocalError(
            f"{member.address} is not asked to sign.",
            mend=f"Asked are {', '.join(found.proposal.signers)}.",
        )
    if member.address in found.signatures:
        raise LocalError(
            f"{member.address} has signed already.",
            mend=f"Missing: {', '.join(found.missing) or 'nobody'}.",
        )
    print("\n".join(found.proposal.words))
    print(f"on the chain whose first block is {found.network}, as the file says")
    print("Compare the addresses with those that you have on paper.")
    if not yes and not typer.confirm(f"Sign this as {member.address}?"):
        print("Nothing was signed.")
        raise Exit(DECLINED)
    signed = found.signed(member.address, member.sign(found.message))
    paper.save(signed, file)
    print(f"Signed. Missing: {', '.join(signed.missing) or 'nobody'}.")
