"""From POST /withdraw to finalized, one after the other, on a machine of its own.

    POST ─▶ accepted ─▶ woken settler signs and sends ─▶ 31 slots ─▶ finalized ─▶ written down

The baseline of the same run is a plain transfer, sent straight to the same chain: nobody can be
faster than its finality.
"""

from __future__ import annotations

import statistics
import time
from base64 import b64encode
from collections.abc import Callable

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, exact, median_of
from infra.choices import DEFAULTS
from pixr.adapters.postgres import connect
from pixr.adapters.solana import HttpTransport, Node
from pixr.domain.money import LAMPORTS_PER_SOL
from pixr.local.errors import LocalError
from pixr.local.given import Given
from pixr.local.machine import Machine, running_machine
from pixr.ops.drill import UNHURRIED
from pixr.ops.story.client import Client

AMOUNT_LAMPORTS = 10_000_000
FINALITY_TIMEOUT_S = 60.0
SIGN_TIMEOUT_S = 90.0
POLL_S = 0.02
FUNDS_LAMPORTS = 100 * LAMPORTS_PER_SOL


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Withdraw ``sizes.withdrawals`` times, each beside a transfer of its own."""
    given = Given(chosen={**DEFAULTS, **UNHURRIED}, require_2fa="false")
    tell("starting a machine")
    with running_machine(given=given, slot_ms=sizes.slot_ms) as machine:
        alice = Client(machine, "alice")
        node = Node(HttpTransport(machine.description.solana_rpc_url.split(",")[0]))
        address = alice.get("/wallet")["address"]
        _airdrop(node, address)
        payer = Keypair()
        _airdrop(node, str(payer.pubkey()))
        _wait_for_first_tick(machine)
        timings: dict[str, list[float]] = {
            name: [] for name in ("accept", "sent", "final", "whole", "plain")
        }
        # The first of all wakes a cold settler.
        for number in range(sizes.withdrawals + 1):
            tell(f"withdrawal {number} of {sizes.withdrawals}")
            taken = _withdraw(machine, alice, node, f"bench-{number}")
            if number == 0:
                cold_s = taken["whole"]
                continue
            for name, seconds in taken.items():
                timings[name].append(seconds)
            timings["plain"].append(_plain(node, payer))
        alice.close()
    return Report(
        bench="withdraw",
        conditions={
            "withdrawals": sizes.withdrawals,
            "slot": f"{sizes.slot_ms} ms",
            "repeats": sizes.repeats,
        },
        figures=[
            *_spread("whole_s", "POST → finalized on chain", timings["whole"]),
            median_of(
                "plain_s", "baseline: a plain transfer, sent → finalized", "s", timings["plain"]
            ),
            exact(
                "vs_plain",
                "POST → finalized ÷ plain",
                "×",
                statistics.median(timings["whole"]) / statistics.median(timings["plain"]),
            ),
            median_of("accept_s", "POST → 202", "s", timings["accept"]),
            median_of("sent_s", "202 → signed, stored and on its way", "s", timings["sent"]),
            median_of("final_s", "on its way → finalized", "s", timings["final"]),
            exact("cold_s", "the first one, by a cold settler", "s", cold_s),
        ],
        remarks=("A transaction is final 31 slots after its own; 12.4 s of 400 ms each.",),
    )


def _spread(key: str, label: str, samples: list[float]) -> list[Figure]:
    ninth = statistics.quantiles(samples, n=10)[8]
    return [
        median_of(key, label, "s", samples),
        exact(key.replace("_s", "_p90_s"), f"{label}, p90", "s", ninth),
    ]


def _withdraw(machine: Machine, alice: Client, node: Node, key: str) -> dict[str, float]:
    body = {"lamports": str(AMOUNT_LAMPORTS), "destination": str(Keypair().pubkey())}
    begun_s = time.monotonic()
    asked = alice.post("/withdraw", body, key=key)
    accepted_s = time.monotonic()
    signature = _signature(machine, asked["withdrawal_id"])
    sent_s = time.monotonic()
    _finalized(node, signature)
    ended_s = time.monotonic()
    _until(
        lambda: alice.get(f"/withdrawals/{asked['withdrawal_id']}")["state"] == "PAID",
        FINALITY_TIMEOUT_S,
        f"writing down {key}",
    )
    return {
        "accept": accepted_s - begun_s,
        "sent": sent_s - accepted_s,
        "final": ended_s - sent_s,
        "whole": ended_s - begun_s,
    }


def _signature(machine: Machine, withdrawal_id: str) -> str:
    """Wait until the settler has sent it; asks the database, which costs the gateway nothing."""
    found: list[str] = []
    with connect(machine.description.database_url) as db:

        def look() -> bool:
            row = db.execute(
                "SELECT signature FROM carried_payouts WHERE id = %s AND signature IS NOT NULL",
                [withdrawal_id],
            ).fetchone()
            found.extend([row["signature"]] if row else [])
            return bool(found)

        _until(look, SIGN_TIMEOUT_S, f"signing {withdrawal_id}")
    return found[0]


def _plain(node: Node, payer: Keypair) -> float:
    """One transfer straight to the node; seconds until it is final."""
    blockhash = Hash.from_string(node.call("getLatestBlockhash")["value"]["blockhash"])
    instruction = transfer(
        TransferParams(
            from_pubkey=payer.pubkey(),
            to_pubkey=Pubkey.from_bytes(bytes(Keypair().pubkey())),
            lamports=AMOUNT_LAMPORTS,
        )
    )
    message = Message.new_with_blockhash([instruction], payer.pubkey(), blockhash)
    begun_s = time.monotonic()
    raw = b64encode(bytes(Transaction([payer], message, blockhash))).decode()
    signature = node.call("sendTransaction", raw, {"encoding": "base64", "skipPreflight": True})
    _finalized(node, signature)
    return time.monotonic() - begun_s


def _airdrop(node: Node, address: str) -> None:
    _finalized(node, node.call("requestAirdrop", address, FUNDS_LAMPORTS))


def _finalized(node: Node, signature: str) -> None:
    def look() -> bool:
        status = node.call("getSignatureStatuses", [signature])["value"][0]
        return bool(status) and status["confirmationStatus"] == "finalized"

    _until(look, FINALITY_TIMEOUT_S, f"finality of {signature}")


def _wait_for_first_tick(machine: Machine) -> None:
    """The settler's first run pins the house's addresses."""
    with connect(machine.description.database_url) as db:
        _until(
            lambda: bool(db.execute("SELECT FROM house_addresses").fetchall()),
            SIGN_TIMEOUT_S,
            "the first tick",
        )


def _until(look: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if look():
            return
        time.sleep(POLL_S)
    raise LocalError(f"{what} took more than {timeout_s:.0f} s.", mend="Try once more.")
