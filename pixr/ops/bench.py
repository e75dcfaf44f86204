"""``pixr bench``: measure one thing on parts of its own, beside a baseline of the same run."""

from __future__ import annotations

from typing import Annotated

from rich.console import Console
from typer import Argument, Option

from benchmarks import catalogue, machine, screen
from benchmarks.catalogue import BENCHMARKS, Sizes
from pixr.local.errors import LocalError

PACKAGES = ("pydantic", "psycopg", "redis", "solders")
_DEFAULT = Sizes()


def command(
    what: Annotated[str | None, Argument(help="One of: " + ", ".join(BENCHMARKS) + ".")] = None,
    *,
    repeats: Annotated[int, Option(help="Repetitions.", min=1)] = _DEFAULT.repeats,
    views: Annotated[int, Option(help="ingest: events.", min=10)] = _DEFAULT.views,
    creators: Annotated[int, Option(help="ingest: creators.", min=1)] = _DEFAULT.creators,
    sweep: Annotated[bool, Option(help="ingest: other crowds, too.")] = _DEFAULT.sweep,
    creators_most: Annotated[
        int, Option(help="ingest: creators of the largest crowd.", min=1)
    ] = _DEFAULT.creators_most,
    sustain: Annotated[
        int, Option(help="ingest: seconds without a pause, and nothing else.", min=0)
    ] = _DEFAULT.sustain,
    payees: Annotated[int, Option(help="settle: users to pay.", min=1)] = _DEFAULT.payees,
    growth: Annotated[bool, Option(help="settle: 1 k, 10 k, 100 k payees.")] = _DEFAULT.growth,
    tables: Annotated[
        bool, Option("--tables", help="settle: regular payees, in lookup tables.")
    ] = _DEFAULT.tables,
    derivations: Annotated[int, Option(help="wallet: addresses.", min=1)] = _DEFAULT.derivations,
    seconds: Annotated[int, Option(help="door: of load a route.", min=1)] = _DEFAULT.seconds,
    withdrawals: Annotated[
        int, Option(help="withdraw: how many, one by one.", min=2)
    ] = _DEFAULT.withdrawals,
    slot_ms: Annotated[int, Option(help="withdraw: of the chain.", min=5)] = _DEFAULT.slot_ms,
    film_s: Annotated[int, Option(help="reprocess: of 1080p.", min=0)] = _DEFAULT.film_s,
    large_film_s: Annotated[int, Option(help="… of 2160p.", min=0)] = _DEFAULT.large_film_s,
    clips: Annotated[int, Option(help="reprocess: how many.", min=0)] = _DEFAULT.clips,
    minutes: Annotated[int, Option(help="fees: of a day made up.", min=60)] = _DEFAULT.minutes,
) -> None:
    """Measure and print a table; the last line is one JSON object with every figure."""
    console = screen.make_console()
    if what is None:
        _list(console)
        return
    _check(what)
    measured_on = machine.describe(*PACKAGES)
    sizes = Sizes(
        repeats=repeats,
        views=views,
        creators=creators,
        sweep=sweep,
        creators_most=creators_most,
        sustain=sustain,
        payees=payees,
        growth=growth,
        tables=tables,
        derivations=derivations,
        seconds=seconds,
        withdrawals=withdrawals,
        slot_ms=slot_ms,
        film_s=film_s,
        large_film_s=large_film_s,
        clips=clips,
        minutes=minutes,
    )
    # On a terminal the line below tells a waiting person what goes on; elsewhere it is silent.
    with console.status(what) as status:
        report = catalogue.find(what)(sizes, lambda line: status.update(f"{what}: {line}"))
    screen.show(console, report, measured_on)


def _check(what: str) -> None:
    if what not in BENCHMARKS:
        raise LocalError(
            f"There is no benchmark `{what}`.", mend=f"Choose one of: {', '.join(BENCHMARKS)}."
        )


def _list(console: Console) -> None:
    console.print("pixr bench WHAT, where WHAT is one of:\n")
    for name, sentence in BENCHMARKS.items():
        console.print(f"  [bold]{name:<10}[/]{sentence}", soft_wrap=True)
