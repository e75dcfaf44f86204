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
from typing import Any

from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from benchmarks.catalogue import Sizes
from benchmarks.databases import durable_databases
from benchmarks.figures import Figure, Report, at_least, at_most, exact, median_of, quotients
from benchmarks.machine import Time, timed
from benchmarks.settler import Settler, new_settler, treasury_lamports
from pixr.adapters.postgres import batches
from pixr.adapters.redis import ViewStream
from pixr.domain import packing, proofs
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM
from pixr.local.chain import ChainDidNotStart, ChainProcess, running_chain
from pixr.local.errors import LocalError
from pixr.local.valkey import running_valkey

SLOT_MS = 20
FINALITY_BLOCKS = 31
BUILD_TURNS = 20
"""Building and signing takes milliseconds; one pass alone would be noise."""

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


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Pay ``sizes.payees`` new users, ``sizes.repeats`` times, each from a treasury of its own."""
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
                    passes.append(_pass(settler, chain, payees))
            stream.close()
    except ChainDidNotStart as error:
        raise LocalError(f"The local chain did not start: {error}.", mend="Try again.") from error
    conditions: dict[str, str | int] = {
        "repeats": sizes.repeats,
        "payees": sizes.payees,
        "slot": f"{SLOT_MS} ms; a block is final after {FINALITY_BLOCKS} more",
    }
    return Report(
        bench="settle",
        conditions=conditions | settings,
        figures=_growth(passes) if sizes.growth else _figures(passes),
        remarks=(
            "The time includes waiting for finality: on mainnet that alone takes about 13 s.",
            f"Reclaim: {RECEIPTS_PER_RECLAIM} receipts a transaction, made and finalized here.",
            f"Not counted: the {RENT_EXEMPT_LAMPORTS:,} lamports in each receipt, which come back.",
        ),
    )


def _pass(settler: Settler, chain: ChainProcess, payees: int) -> Pass:
    settler.fund(treasury_lamports(payees))
    settler.owe(payees)
    with timed(settler.db.info.backend_pid, chain.pid) as settle:
        settler.pay(payees)
    carried = settler.db.execute(
        "SELECT batches.id, batches.payees, transactions.fee_lamports FROM batches"
        " JOIN transactions ON transactions.batch_id = batches.id"
        " WHERE transactions.state = 'LANDED'"
    ).fetchall()
    build_s, build_cpu_s = _build_and_sign(settler, carried)
    return Pass(
        payees=payees,
        settle=settle,
        build_s=build_s,
        build_cpu_s=build_cpu_s,
        transactions=len(carried),
        payees_most=max(row["payees"] for row in carried),
        fees_lamports=sum(row["fee_lamports"] for row in carried),
        reclaim_lamports=settler.reclaim(),
        alone_lamports=_alone_lamports(settler),
    )


def _build_and_sign(settler: Settler, carried: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Wall and CPU seconds to build and sign the transactions that were sent, once each."""
    treasury, receipt_key = settler.keyring.treasury, settler.keyring.seed.receipt_key()
    groups = list(batches.items(settler.db, [row["id"] for row in carried]).items())
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
            )
            message = packing.message(intent, blockhash=blockhash, price=0)
            bytes(Transaction.populate(message, [treasury.sign(bytes(message))]))
    wall_s, used_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    return wall_s / BUILD_TURNS, used_s / BUILD_TURNS


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
    fees = sum(one.fees_lamports for one in passes)
    alone = passes[-1].alone_lamports
    reclaims = sum(one.reclaim_lamports for one in passes)
    return [
        exact("payees_per_transaction", "payees per transaction", "", payees / transactions),
        exact(
            "payees_per_transaction_max",
            "payees in a full transaction",
            "",
            max(one.payees_most for one in passes),
        ),
        exact("fee_per_payee_lamports", "fee per payee, as charged", "lamports", fees / payees),
        at_most(
            exact(
                "fee_with_reclaim_per_payee_lamports",
                "fee per payee with the reclaim, as charged",
                "lamports",
                (fees + reclaims) / payees,
            ),
            350,
        ),
        exact("fee_alone_lamports", "baseline: one transfer per transaction", "lamports", alone),
        exact("vs_fee_alone", "fee per payee ÷ one transfer alone", "×", fees / payees / alone),
    ]
