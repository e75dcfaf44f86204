"""Payees per second from owed to finalized, by the real tick on the local chain.

    owed ─▶ ┃ payouts ─▶ batches ─▶ check ─▶ sign ─▶ store ─▶ send ─▶ observe ─▶ PAID ┃
            ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━ this is timed ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

Baseline: building and signing the same transactions, and nothing else. It is the work that no
settler can avoid; all the rest is what exactly-once and finality cost.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

from solders.hash import Hash
from solders.message import Message, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction, VersionedTransaction

from benchmarks.catalogue import Sizes
from benchmarks.databases import durable_databases
from benchmarks.figures import Figure, Report, at_least, at_most, exact, median_of, quotients
from benchmarks.machine import Time, timed
from benchmarks.settler import REGULAR_PAYDAYS, Settler, new_settler, treasury_lamports
from pixr.adapters.keys import AnySigner
from pixr.adapters.postgres import batches, lookup_tables
from pixr.adapters.redis import ViewStream
from pixr.domain import fees, packing, proofs
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM
from pixr.local.chain import ChainDidNotStart, ChainProcess, running_chain
from pixr.local.errors import LocalError
from pixr.local.valkey import running_valkey
from pixr.ops import fee_traces

SLOT_MS = 20
FINALITY_BLOCKS = 31
BUILD_TURNS = 20
"""Building and signing takes milliseconds; one pass alone would be noise."""

QUIET_TRACE = Path(__file__).parents[1] / "tests" / "data" / "slot-fees-2024-10-13.csv"
QUIET_SOURCE = "the median of the medians of 24 slots of mainnet, recorded on 2024-10-13"
GROWTH = (1_000, 10_000, 100_000)
"""Payees of the passes of ``--growth``, one after the other, each on a database of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One repetition."""

    payees: int
    settle: Time
    build_s: float
    build_cpu_s: float
    transactions: int
    payees_most: int
    fees_lamports: int
    reclaim_lamports: int
    """What it cost to take all rent back, measured after the payments."""
    alone_lamports: int
    """What the chain asks for a transaction with a single transfer."""
    priority_lamports: int
    """What payments and reclaims would have paid for priority besides, in a quiet minute."""
    tabled: int
    """Payees that stand in lookup tables."""


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Pay ``sizes.payees`` new users, ``sizes.repeats`` times, each from a treasury of its own."""
    if sizes.tables and sizes.growth:
        raise LocalError("--growth is measured without tables.", mend="Leave one of them out.")
    passes: list[Pass] = []
    try:
        with (
            durable_databases() as databases,
            running_valkey() as valkey,
            running_chain(slot_ms=SLOT_MS) as chain,
        ):
            stream = ViewStream(valkey.url)
            settings = databases.settings()
            todo = GROWTH if sizes.growth else [sizes.payees] * sizes.repeats
            for turn, payees in enumerate(todo, start=1):
                with databases.fresh() as db:
                    settler = new_settler(db, chain.url, stream, slot_s=SLOT_MS / 1000)
                    tell(f"{payees:,} payees, turn {turn} of {len(todo)}")
                    passes.append(_pass(settler, chain, payees, has_tables=sizes.tables))
            stream.close()
    except ChainDidNotStart as error:
        raise LocalError(f"The local chain did not start: {error}.", mend="Try again.") from error
    conditions: dict[str, str | int] = {
        "repeats": sizes.repeats,
        "payees": sizes.payees,
        "slot": f"{SLOT_MS} ms; a block is final after {FINALITY_BLOCKS} more",
        "tables": "on, with regular payees" if sizes.tables else "off",
        "quiet_price": f"{quiet_price():,} micro-lamports a unit: {QUIET_SOURCE}",
    }
    return Report(
        bench="settle",
        conditions=conditions | settings,
        figures=_growth(passes) if sizes.growth else _figures(passes),
        remarks=(
            "The time includes waiting for finality: on mainnet that alone takes about 13 s.",
            f"Reclaim: {RECEIPTS_PER_RECLAIM} receipts a transaction, made and finalized here.",
            "At a quiet minute's price: what was charged here, and compute limit × price on top.",
            f"Not counted: the {RENT_EXEMPT_LAMPORTS:,} lamports in each receipt, which come back.",
        ),
    )


def quiet_price() -> int:
    """The median over the recorded slots of mainnet of each slot's median price."""
    minutes = fee_traces.read(QUIET_TRACE).minutes
    return fees.percentile([minute.median for minute in minutes], 50)


def _pass(settler: Settler, chain: ChainProcess, payees: int, *, has_tables: bool) -> Pass:
    before = REGULAR_PAYDAYS * payees if has_tables else 0
    settler.fund(treasury_lamports(before + payees))
    settler.enlist(payees)
    tabled = settler.make_regular(payees) if has_tables else 0
    known = [row["batch_id"] for row in _landed(settler, without=[])]
    settler.owe(payees)
    with timed(settler.db.info.backend_pid, chain.pid) as settle:
        settler.pay(before + payees, has_tables=has_tables)
    carried = [row for row in _landed(settler, without=known) if row["kind"] == "earnings"]
    build_s, build_cpu_s = _build_and_sign(settler, carried)
    reclaim_lamports = settler.reclaim()
    landed = _landed(settler, without=[])
    reclaims = [row for row in landed if row["kind"] == "reclaim"]
    # Receipts of the paydays before come home with the others: count those of this one.
    share = Fraction(len(carried), len(landed) - len(reclaims))
    return Pass(
        payees=payees,
        settle=settle,
        build_s=build_s,
        build_cpu_s=build_cpu_s,
        transactions=len(carried),
        payees_most=max(row["payees"] for row in carried),
        fees_lamports=sum(row["fee_lamports"] for row in carried),
        reclaim_lamports=round(reclaim_lamports * share),
        alone_lamports=_alone_lamports(settler),
        priority_lamports=_priority_lamports(carried) + round(_priority_lamports(reclaims) * share),
        tabled=tabled,
    )


def _landed(settler: Settler, *, without: Sequence[UUID]) -> list[dict[str, Any]]:
    """Every transaction that landed, but those of some batches."""
    return settler.db.execute(
        "SELECT batch_id, kind, payees, table_address, raw, fee_lamports FROM batches"
        " JOIN transactions ON transactions.batch_id = batches.id"
        " WHERE transactions.state = 'LANDED' AND NOT batch_id = ANY(%s)",
        (list(without),),
    ).fetchall()


def _priority_lamports(rows: Sequence[dict[str, Any]]) -> int:
    """What transactions would pay at a quiet minute's price for the limits that they name."""
    price = quiet_price()
    limits = (
        VersionedTransaction.from_bytes(row["raw"]).message.instructions[0].data for row in rows
    )
    return sum(
        fees.priority_fee_lamports(compute_units=int.from_bytes(data[1:5], "little"), price=price)
        for data in limits
    )


def _build_and_sign(settler: Settler, carried: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Wall and CPU seconds to build and sign the transactions that were sent, once each."""
    treasury, receipt_key = settler.keyring.treasury, settler.keyring.seed.receipt_key()
    groups = list(batches.items(settler.db, [row["batch_id"] for row in carried]).items())
    named = {row["batch_id"]: row["table_address"] for row in carried}
    tables = lookup_tables.read(settler.db, sorted({name for name in named.values() if name}))
    blockhash = settler.chain.blockhash().hash
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    for _ in range(BUILD_TURNS):
        for batch_id, payouts in groups:
            intent = packing.Intent(
                treasury=treasury.address,
                source=treasury.address,
                receipt_seed=packing.receipt_seed(receipt_key, batch_id),
                memo=proofs.memo(bytes(32)),
                transfers=tuple(
                    packing.Transfer(destination=payout.destination, lamports=payout.lamports)
                    for payout in payouts
                ),
                table=tables.get(named[batch_id]),
            )
            _sign(treasury, intent, blockhash)
    wall_s, used_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    return wall_s / BUILD_TURNS, used_s / BUILD_TURNS


def _sign(treasury: AnySigner, intent: packing.Intent, blockhash: str) -> bytes:
    if intent.table is None:
        message = packing.message(intent, blockhash=blockhash, price=0)
        return bytes(Transaction.populate(message, [treasury.sign(bytes(message))]))
    looked_up = packing.message_v0(intent, blockhash=blockhash, price=0)
    signature = treasury.sign(to_bytes_versioned(looked_up))
    return bytes(VersionedTransaction.populate(looked_up, [signature]))


def _alone_lamports(settler: Settler) -> int:
    """Ask the chain for the fee of one plain transfer."""
    treasury = Pubkey.from_string(settler.keyring.treasury.address)
    one = transfer(TransferParams(from_pubkey=treasury, to_pubkey=treasury, lamports=1))
    blockhash = Hash.from_string(settler.chain.blockhash().hash)
    message = Message.new_with_blockhash([one], treasury, blockhash)
    encoded = base64.b64encode(bytes(message)).decode()
    options = {"commitment": "confirmed"}  # as the blockhash, which finalized does not know yet
    return int(settler.chain.nodes[0].call("getFeeForMessage", encoded, options)["value"])


def _figures(passes: Sequence[Pass]) -> list[Figure]:
    settled = [one.payees / one.settle.wall_s for one in passes]
    built = [one.payees / one.build_s for one in passes]
    cpu_us = [1e6 * one.settle.own_cpu_s / one.payees for one in passes]
    postgres_us = [1e6 * one.settle.server_cpu_s / one.payees for one in passes]
    chain_us = [1e6 * one.settle.other_cpu_s / one.payees for one in passes]
    build_us = [1e6 * one.build_cpu_s / one.payees for one in passes]
    return [
        median_of("payees_per_s", "payees, owed → finalized", "/s", settled),
        median_of("wall_s", "all of them", "s", [one.settle.wall_s for one in passes]),
        median_of("settler_cpu_us_per_payee", "CPU of the settler per payee", "µs", cpu_us),
        median_of("postgres_cpu_us_per_payee", "CPU of PostgreSQL per payee", "µs", postgres_us),
        median_of("chain_cpu_us_per_payee", "CPU of the local chain per payee", "µs", chain_us),
        median_of("build_sign_payees_per_s", "baseline: build and sign alone", "/s", built),
        median_of("build_sign_cpu_us_per_payee", "baseline: CPU of build and sign", "µs", build_us),
        at_least(
            median_of("vs_build_sign", "settle ÷ build+sign", "×", quotients(settled, built)), 0.5
        ),
        median_of(
            "vs_build_sign_cpu",
            "settle ÷ build+sign, by the settler's CPU",
            "×",
            quotients(build_us, cpu_us),
        ),
        *_fees(passes),
    ]


def _growth(passes: Sequence[Pass]) -> list[Figure]:
    """Time per payee at each size, and how the largest compares with the middle one.

    The smallest is mostly one wait for finality, so it is shown and not compared.
    """
    per_payee_us = [1e6 * one.settle.wall_s / one.payees for one in passes]
    figures = [
        exact(f"us_per_payee_{one.payees}", f"time per payee, {one.payees:,} payees", "µs", value)
        for one, value in zip(passes, per_payee_us, strict=True)
    ]
    grown = per_payee_us[-1] / per_payee_us[-2]
    return [*figures, at_most(exact("growth", "largest ÷ middle", "×", grown), 1.1)]


def _fees(passes: Sequence[Pass]) -> list[Figure]:
    payees = sum(one.payees for one in passes)
    transactions = sum(one.transactions for one in passes)
    charged = sum(one.fees_lamports for one in passes)
    alone = passes[-1].alone_lamports
    reclaims = sum(one.reclaim_lamports for one in passes)
    all_in = exact(
        "fee_with_reclaim_per_payee_lamports",
        "fee per payee with the reclaim, as charged",
        "lamports",
        (charged + reclaims) / payees,
    )
    priority = sum(one.priority_lamports for one in passes)
    tabled = [one.tabled for one in passes]
    return [
        *([median_of("payees_in_tables", "payees in lookup tables", "", tabled)] * any(tabled)),
        exact("payees_per_transaction", "payees per transaction", "", payees / transactions),
        exact(
            "payees_per_transaction_max",
            "payees in a full transaction",
            "",
            max(one.payees_most for one in passes),
        ),
        exact("fee_per_payee_lamports", "fee per payee, as charged", "lamports", charged / payees),
        at_most(all_in, 350),
        exact(
            "fee_at_quiet_price_per_payee_lamports",
            "fee per payee with the reclaim, at a quiet minute's price",
            "lamports",
            (charged + reclaims + priority) / payees,
        ),
        exact("fee_alone_lamports", "baseline: one transfer per transaction", "lamports", alone),
        exact("vs_fee_alone", "fee per payee ÷ one transfer alone", "×", charged / payees / alone),
    ]
