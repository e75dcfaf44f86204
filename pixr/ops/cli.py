"""The ``pixr`` command: one word per thing an operator does.

A word is a module ``pixr/ops/<word>.py`` with a function ``command``, imported only when the word
is typed, so ``pixr token`` does not wait for what ``pixr up`` needs. To add a word, write the
module and its line in ``Words``. A word that is followed by others has a ``group`` instead.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from pixr.local.errors import LocalError

BAD_SETUP = 2
INTERRUPTED = 130


class Words(TyperGroup):
    """Finds a word's module when it is typed, and says a machine's errors in one line."""

    package: ClassVar[str] = "pixr.ops"
    words: ClassVar[dict[str, str]] = {
        "demo": "Play the whole story on real parts and check it to the lamport.",
        "up": "Run the whole system on this machine, until Ctrl-C.",
        "env": "Print the environment of the running machine, in shell syntax.",
        "verify": "Compare chain, ledger and accruals to the lamport.",
        "fees": "Write down what places in blocks cost, or replay the fee policy on it.",
        "hold": "Show what waits for a person, and let it go on where that is safe.",
        "upgrade": "Show upgrade jobs and their dead letters, cancel one, or push it again.",
        "dead": "Show view events that were put aside, replay them, or drop them.",
        "pause": "Stop planning and signing, or go on.",
        "recover": "Read the ledger back from the chain, after the database was restored.",
        "audit": "Check the log of who did what, or show its newest lines.",
        "proof": "Make a proof of payout, or check one against the chain.",
        "factor": "Show a user's second factor, or remove one whose owner lost it.",
        "treasury": "Keep a reserve that several people hold together, and refill from it.",
        "wallet": "Print addresses that the master seed derives, wherever it is kept.",
        "bench": "Measure one thing against a baseline of the same run.",
        "drill": "Kill the settler again and again under load, then compare every lamport.",
        "token": "Print an access token that the running machine accepts.",
    }

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- typer's signature
        """The words, in the order in which people meet them."""
        return list(self.words)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 -- typer's signature
        """The command behind a word; None when there is none."""
        if cmd_name not in self.words:
            return None
        module = importlib.import_module(f"{self.package}.{cmd_name}")
        if hasattr(module, "group"):
            found = typer.main.get_command(module.group)
            found.help = self.words[cmd_name]
            return found
        single = typer.Typer(add_completion=False)
        single.command(cmd_name, help=self.words[cmd_name])(module.command)
        return typer.main.get_command(single)

    def invoke(self, ctx: Any) -> Any:
        """Run the word; a machine's error becomes one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except LocalError as error:
            print(f"pixr: {error}", file=sys.stderr)
            raise typer.Exit(BAD_SETUP) from error
        except KeyboardInterrupt as error:
            print("pixr: stopped", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(cls=Words, no_args_is_help=True, add_completion=False)


@app.callback()
def pixr() -> None:
    """Pixr DeFi: views become SOL in creators' wallets, every minute, exactly once."""


if __name__ == "__main__":
    app()
