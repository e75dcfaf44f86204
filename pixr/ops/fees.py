"""``pixr fees``: collect what places in blocks cost, and replay the fee policy on it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from rich.console import Console
from typer import Argument, Exit, Option

from pixr.adapters.postgres import connect, fee_decisions
from pixr.adapters.postgres.fee_decisions import Recorded
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.domain import fees, packing
from pixr.domain.fee_replay import Minute, Terms
from pixr.local.errors import LocalError
from pixr.local.home import DEFAULT, running_home
from pixr.ops import fee_collection, fee_report, fee_traces
from pixr.ops.fee_traces import Trace

DIFFERENT = 1
SHOWN_MAX = 20
SECOND: Final = timedelta(seconds=1)
WIDTH_WITHOUT_TERMINAL: Final = 110


class Doing(StrEnum):
    """What the word does."""

    COLLECT = "collect"
    REPLAY = "replay"


def command(
    what: Annotated[Doing, Argument(help="Write prices down, or pay a day over again.")],
    file: Annotated[Path | None, Argument(help="replay: a trace, as CSV.")] = None,
    *,
    decisions: Annotated[
        bool, Option("--decisions", help="replay: the settler's own, from the database.")
    ] = False,
    hours: Annotated[int, Option(help="replay --decisions: how far back.", min=1, max=720)] = 24,
    per_minute: Annotated[
        float, Option(help="replay FILE: payouts that fall due.", min=0.01, max=10_000)
    ] = 4,
    seed: Annotated[int, Option(help="replay FILE: when they do.")] = 1,
    payees_full: Annotated[
        int, Option(help="replay FILE: transfers in one.", min=1, max=64)
    ] = packing.PAYEES_FULL,
    deadline_s: Annotated[
        int, Option(help="replay FILE: longest wait.", min=0, max=86_400)
    ] = fees.DEADLINE_S,
    median_price: Annotated[
        int, Option(help="replay FILE: of a curve of tips, micro-lamports a unit.", min=1)
    ] = fee_traces.MEDIAN_PRICE,
    seconds: Annotated[int, Option(help="collect: how long.", min=0, max=2_592_000)] = 3_600,
    every: Annotated[int, Option(help="collect: seconds between polls.", min=1, max=60)] = 20,
    out: Annotated[Path, Option(help="collect: the file; it is gone on with.")] = Path("fees.csv"),
    account: Annotated[
        list[str] | None, Option(help="collect: written by us; the treasury by default.")
    ] = None,
    data: Annotated[Path, Option(help="A running machine's directory.")] = DEFAULT,
) -> None:
    """Collect from SOLANA_RPC_URL, or replay FILE; the last line of a replay is JSON."""
    terms = Terms(payees_full=payees_full, deadline_s=deadline_s)
    if what is Doing.COLLECT:
        _collect(out, account, data, seconds=seconds, every_s=every)
    elif decisions == (file is not None):
        raise LocalError("What is to be replayed?", mend="Name a FILE, or say --decisions.")
    elif file is not None:
        trace = fee_traces.read(file, median_price=median_price)
        conditions = {"payouts_per_minute": per_minute, "seed": seed}
        arrivals_s = fee_traces.poisson(per_minute, trace.minutes, seed=seed)
        _replay(trace, arrivals_s, terms, conditions)
    else:
        _replay_decisions(_setting("DATABASE_URL", "database_url", data), hours)


def _setting(variable: str, name: str, data: Path) -> str:
    """From the environment, or of the machine that runs in ``data``."""
    if value := os.environ.get(variable):
        return value
    try:
        _, description = running_home(data)
    except LocalError as error:
        raise LocalError(
            f"{variable} is not set, and no machine runs on {data}.",
            mend="Set it, start one with `pixr up`, or name it with --data.",
        ) from error
    return str(getattr(description, name))


def _collect(
    out: Path, account: list[str] | None, data: Path, *, seconds: int, every_s: int
) -> None:
    urls = _setting("SOLANA_RPC_URL", "solana_rpc_url", data).split(",")
    accounts = account or [_setting("TREASURY_ADDRESS", "treasury_address", data)]
    chain = Solana(urls)
    try:
        genesis = chain.genesis_hash()
    except ChainUnreachable as outage:
        raise LocalError(f"No node answers: {outage}.", mend="Check SOLANA_RPC_URL.") from outage
    # Not the URLs: what follows the host may be a key.
    hosts = " ".join(str(urlsplit(url).hostname) for url in urls)
    source = (
        f"getRecentPrioritizationFees at {hosts}, genesis {genesis}, for {' '.join(accounts)};"
        " a slot that no poll named is 0"
    )
    console = Console(stderr=True)
    with console.status(f"collecting into {out}"):
        found = fee_collection.collect(
            lambda: chain.recent_fees(accounts),
            out,
            source=source,
            seconds=seconds,
            every_s=every_s,
            clock=fee_collection.Clock(now_s=time.time, sleep=time.sleep),
            tell=console.print,
        )
    print(
        f"{found.slots:,} slots from {found.polls:,} polls into {out};"
        f" {found.polls_failed:,} polls failed, {found.slots_missed:,} slots were missed"
    )
    if found.polls_failed == found.polls:
        raise Exit(DIFFERENT)


def _replay(
    trace: Trace, arrivals_s: list[int], terms: Terms, conditions: Mapping[str, Any]
) -> None:
    if not arrivals_s:
        raise LocalError("No payout falls due in that time.", mend="Replay a longer trace.")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    found = fee_report.compare(trace, arrivals_s, terms=terms)
    fee_report.show(console, found, {**conditions, **asdict(terms)})


def _replay_decisions(database_url: str, hours: int) -> None:
    """Make each recorded decision again; then pay the same payouts by each policy."""
    now = datetime.now(UTC)
    since = now - timedelta(hours=hours)
    with connect(database_url) as db:
        recorded = list(fee_decisions.list_between(db, since - timedelta(hours=24), now))
        made = fee_decisions.arrivals(db, since, now)
    judged = [item for item in recorded if item.decided_at >= since]
    if not judged:
        raise LocalError(f"No decision in {hours} hours.", mend="Say more --hours.")
    _make_again(judged)
    earlier = [item for item in recorded if item.decided_at < since]
    begun_at = judged[0].decided_at - timedelta(seconds=fees.TICK_S)
    trace = _trace(judged, earlier, begun_at=begun_at)
    due_s = [(at - begun_at) // SECOND for at in made]
    inputs = judged[-1].inputs
    _replay(
        trace,
        [at_s for at_s in due_s if at_s <= trace.minutes[-1].at_s],
        Terms(payees_full=inputs.payees_full, deadline_s=inputs.deadline_s),
        {"decisions": len(judged)},
    )


def _make_again(judged: list[Recorded]) -> None:
    """Decide again from the same inputs; exit with 1 when anything else comes out."""
    same_rules = [item for item in judged if item.policy == fees.POLICY]
    different = [item for item in same_rules if fees.decide(item.inputs) != item.decision]
    print(
        f"{len(same_rules):,} decisions made again, {len(different):,} came out differently;"
        f" {len(judged) - len(same_rules):,} are of other rules"
    )
    for item in different[:SHOWN_MAX]:
        print(f"  {item.decided_at:%Y-%m-%d %H:%M:%S}Z: recorded {item.decision}")
        print(f"{'':25}now {fees.decide(item.inputs)}")
    if different:
        raise Exit(DIFFERENT)


def _trace(judged: list[Recorded], earlier: list[Recorded], *, begun_at: datetime) -> Trace:
    """The recorded looks at the market, one a second at most."""
    by_second = groupby(judged, key=lambda item: (item.decided_at - begun_at) // SECOND)
    return Trace(
        name=f"{judged[0].decided_at:%Y-%m-%d %H:%M}Z",
        nature="what the settler saw and who fell due, from the database",
        minutes=tuple(
            Minute(at_s=at_s, prices=list(items)[-1].inputs.recent_prices)
            for at_s, items in by_second
        ),
        past=tuple(fees.percentile(item.inputs.recent_prices, 50) for item in earlier),
        remarks=("Minutes in which nobody waited are not in it.",),
    )
