"""``pixr treasury``: the hot treasury's reserve, which several people hold together.

    fund ─▶ reserve (wrapped SOL) ──propose · sign · sign · send──▶ hot treasury
                 └────────── refill: up to what was allowed ───────────▲

Each word is a module of ``pixr.ops.reserving``. ``keygen`` and ``sign`` read and write files and
need neither a database nor a network.
"""

from __future__ import annotations

from typing import ClassVar

import typer

from pixr.ops.cli import Words


class TreasuryWords(Words):
    """The words after ``pixr treasury``."""

    package: ClassVar[str] = "pixr.ops.reserving"
    words: ClassVar[dict[str, str]] = {
        "keygen": "Make a key pair for a member, or for whoever pays; offline.",
        "init": "Make the reserve: a multisig of three members, two of whom must sign.",
        "fund": "Put SOL of the payer's into the reserve.",
        "status": "Show what there is, hot and cold, and what is wrong with it.",
        "propose": "Write a file for the members to sign: transfer, allow or revoke.",
        "sign": "Sign such a file as a member; offline.",
        "send": "Send a file that is signed, and see it to its end.",
        "cancel": "Make void whatever was proposed with a payer and has not landed.",
        "refill": "Let the hot treasury take what it is allowed to.",
        "rotate": "Make another group, and the file that hands the reserve over to it.",
    }


group = typer.Typer(cls=TreasuryWords, no_args_is_help=True, add_completion=False)


@group.callback()
def treasury() -> None:
    """The words of the treasury."""
