"""The invariants of settlement that one look at the database and the chain can judge.

Each is a function that raises ``AssertionError``; its docstring is the sentence of the design.
I4 and I14 are judged when bytes are handed to a node (``sent.py``), I9, I13 and I15 by doing
things again (``again.py``), I11 when the faults have stopped (``run.py``), I12 in ``shares.py``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from functions.batch import guard
from pixr.adapters.postgres import pauses, verification
from tests.simulation.glance import Glance
from tests.simulation.town import Town

Payment = tuple[UUID, str, str, int]
"""Payout id, kind, destination, lamports."""

LIVE: Final = ("SIGNED", "INFLIGHT")
OPEN: Final = ("PLANNED", "SIGNED", "INFLIGHT", "HOLD")
MIRRORS: Final = ("world", "views")
ACCRUALS: Final = ("views", "platform", "owed", "return", "settled")

EDGES: Final = {
    "payouts": {
        ("PENDING", "RESERVED"),
        ("RESERVED", "PAID"),
        ("RESERVED", "PENDING"),
        ("RESERVED", "QUARANTINED"),
        ("QUARANTINED", "PENDING"),
    },
    "batches": {
        ("PLANNED", "SIGNED"),
        ("SIGNED", "INFLIGHT"),
        ("SIGNED", "FINALIZED"),
        ("INFLIGHT", "FINALIZED"),
        ("SIGNED", "PLANNED"),
        ("INFLIGHT", "PLANNED"),
        ("SIGNED", "FAILED"),
        ("INFLIGHT", "FAILED"),
        ("PLANNED", "FAILED"),
        ("PLANNED", "HOLD"),
        ("SIGNED", "HOLD"),
        ("INFLIGHT", "HOLD"),
        ("HOLD", "INFLIGHT"),
        ("HOLD", "FAILED"),
        ("HOLD", "FINALIZED"),
    },
    "transactions": {
        ("SIGNED", "INFLIGHT"),
        *((live, end) for live in LIVE for end in ("LANDED", "FAILED", "EXPIRED")),
    },
    "content_investments": {
        ("RESERVED", "ESCROWED"),
        ("RESERVED", "CANCELLED"),
        ("ESCROWED", "LIVE"),
        ("ESCROWED", "REFUNDING"),
        ("REFUNDING", "REFUNDED"),
    },
}


def i01_a_payout_has_one_finalized_transfer_at_most_and_one_if_paid(
    town: Town, now: Glance
) -> None:
    """A payout has 0 or 1 finalized successful transfers, and 1 if and only if it ends PAID."""
    transfers: Counter[object] = Counter()
    received: Counter[str] = Counter()
    for signature, landed in town.final.items():
        if landed.error is None:
            for payout_id, kind, destination, lamports in payments(town, now, signature):
                transfers[payout_id] += 1
                received[f"{kind} {destination}"] += lamports
    twice = [str(payout_id) for payout_id, count in transfers.items() if count > 1]
    assert not twice, f"paid twice: {twice}"
    unpaid = [
        str(payout_id)
        for payout_id, row in now.payouts.items()
        if row["state"] == "PAID" and not transfers[payout_id]
    ]
    assert not unpaid, f"PAID, and nothing landed: {unpaid}"
    _nobody_got_more_than_is_theirs(town, received)


def payments(town: Town, now: Glance, signature: str) -> Sequence[Payment]:
    """What a transaction of ours pays: as the database says, or said before it forgot."""
    attempt = now.attempts.get(signature)
    if attempt is None:
        signed = town.known.signed.get(signature)
        return () if signed is None else signed.payouts
    rows = [now.payouts[payout_id] for payout_id, _ in now.carried.get(attempt["batch_id"], ())]
    return [(row["id"], row["kind"], row["destination"], row["lamports"]) for row in rows]


def _nobody_got_more_than_is_theirs(town: Town, received: Counter[str]) -> None:
    """By addresses, so that it holds even for payouts that the database has forgotten."""
    for row in town.look.execute(
        "SELECT user_id, sum(lamports)::bigint AS lamports FROM pending_earnings GROUP BY user_id"
    ):
        most = max(town.known.accrued[row["user_id"]], row["lamports"])
        town.known.accrued[row["user_id"]] = most
    for user_id in town.users:
        address = town.address_of(user_id)
        got = received[f"earnings {address}"] + received[f"return {address}"]
        accrued = town.known.accrued[user_id]
        assert got <= accrued, f"{user_id} got {got} lamports of {accrued}"
    for name, asked in town.known.asked.items():
        if asked.destination is not None:
            got = received[f"withdrawal {asked.destination}"]
            assert got <= asked.lamports, f"withdrawal {name}: {got} of {asked.lamports}"


def i02_the_ledger_sums_to_zero_and_no_account_is_below_its_bound(town: Town, now: Glance) -> None:
    """Each ledger transaction sums to zero and no account is below its bound."""
    families: Counter[bool] = Counter()
    for account, (posted, reserved) in now.accounts.items():
        kind = account.partition(":")[0]
        families[kind in ACCRUALS] += posted
        assert reserved >= 0, f"{account} has {reserved} reserved"
        assert kind in MIRRORS or posted >= reserved, f"{account}: {posted} < {reserved}"
    assert not any(families.values()), f"the families sum to {dict(families)}"


def i02_every_table_agrees_with_the_ledger(town: Town, now: Glance) -> None:
    """Each ledger transaction sums to zero, and every table says the same money."""
    for row in town.look.execute(
        "SELECT transaction_id FROM ledger_entries GROUP BY 1 HAVING sum(lamports) <> 0"
    ):
        raise AssertionError(f"ledger transaction {row['transaction_id']} does not sum to zero")
    for name, statement in verification.CHECKS.items():
        rows = verification.offenders(town.look, statement)
        assert not rows, f"{name}: {rows}"


def i03_what_moved_on_chain_explains_every_balance(town: Town, now: Glance) -> None:
    """Treasury then − transfers − fees − locked receipts = treasury now; and so for each address.

    For each address of ours: what the ledger has posted, and the effects of what landed but is
    not posted yet, is what the chain says.
    """
    addresses = {"treasury": town.treasury, "escrow": town.escrow}
    addresses |= {f"wallet:{user_id}": town.address_of(user_id) for user_id in town.users}
    expected = {account: now.posted(account) for account in addresses}
    # Rent that is lent: in receipts, and in lookup tables.
    lent = {"receipts": set[str](), "tables": set[str]()}
    expected |= {account: now.posted(account) for account in lent}
    for signature, landed in town.final.items():
        is_ours = signature in town.known.signed
        if is_ours:
            said = town.decode(landed.raw)
            if said.receipt is not None:
                lent["receipts"].add(said.receipt.target)
            if said.extended is not None:
                lent["tables"].add(said.extended)
            if f"attempt:{signature}" in now.references:
                continue
            for account, places in lent.items():
                expected[account] += sum(landed.changes.get(place, 0) for place in places)
        for account, address in addresses.items():
            if is_ours or f"deposit:{account}:{signature}" not in now.references:
                expected[account] += landed.changes.get(address, 0)
    balance = town.cluster.truth.balance
    found = {account: balance(address) for account, address in addresses.items()}
    found |= {account: sum(map(balance, places)) for account, places in lent.items()}
    wrong = {
        account: (lamports, found[account])
        for account, lamports in expected.items()
        if lamports != found[account]
    }
    assert not wrong, f"(explained, on chain): {wrong}"


def i04_no_node_saw_a_signature_that_was_never_sent(town: Town, now: Glance) -> None:
    """Every signature that any node saw has an older attempt row; a rehearsal leaks none."""
    strange = set(town.cluster.truth.seen) - town.known.signed.keys() - town.known.airdropped
    assert not strange, f"nodes saw {sorted(strange)}"


def i05_an_expired_attempt_never_lands(town: Town, now: Glance) -> None:
    """An EXPIRED attempt never lands."""
    landed = town.final
    risen = [
        signature
        for signature, row in now.attempts.items()
        if row["state"] == "EXPIRED" and signature in landed
    ]
    assert not risen, f"EXPIRED, and landed: {risen}"


def i06_one_live_attempt_per_batch_and_one_live_batch_per_payout(town: Town, now: Glance) -> None:
    """At most one live attempt per batch and one live batch per payout."""
    attempts = Counter(row["batch_id"] for row in now.attempts.values() if row["state"] in LIVE)
    assert not [batch for batch, count in attempts.items() if count > 1]
    batches: Counter[object] = Counter()
    for batch_id, items in now.carried.items():
        for payout_id, is_live in items:
            if is_live:
                batches[payout_id] += 1
                assert now.batches[batch_id]["state"] != "FAILED"
    assert not [payout for payout, count in batches.items() if count > 1]


def i07_reserved_is_at_least_what_is_in_flight(town: Town, now: Glance) -> None:
    """Reserved ≥ in flight."""
    flying: Counter[str] = Counter()
    for row in now.payouts.values():
        if row["state"] in ("PENDING", "RESERVED"):
            flying[row["debit_account"]] += row["lamports"]
    for row in now.batches.values():
        if row["state"] in OPEN:
            flying["treasury"] += row["treasury_reserved_lamports"]
    for account, lamports in flying.items():
        reserved = now.accounts[account][1]
        assert reserved >= lamports, f"{account}: {reserved} reserved, {lamports} in flight"


def i08_paid_implies_finalized_evidence(town: Town, now: Glance) -> None:
    """PAID implies finalized evidence: the batch's attempt is in a final block, without error."""
    landed = town.final
    for payout_id, row in now.payouts.items():
        if row["state"] != "PAID":
            continue
        batch = now.batches[row["batch_id"]]
        assert batch["state"] == "FINALIZED", f"{payout_id} is PAID by a {batch['state']} batch"
        proofs = [item for item in now.attempts_of[batch["id"]] if item["state"] == "LANDED"]
        assert len(proofs) == 1, f"{payout_id}: {len(proofs)} attempts LANDED"
        found = landed.get(proofs[0]["signature"])
        assert found is not None, f"{payout_id} is PAID by what is not final"
        assert found.error is None, f"{payout_id} is PAID by what failed"
        assert (found.slot, found.fee_lamports) == (proofs[0]["slot"], proofs[0]["fee_lamports"])


def i10_only_allowed_edges_occur(town: Town, now: Glance) -> None:
    """Only allowed state edges occur."""
    rows = town.look.execute(
        "SELECT id, entity, name, old, new FROM simulation_edges WHERE id > %s ORDER BY id",
        (town.edges_read,),
    ).fetchall()
    for row in rows:
        edge = (row["old"], row["new"])
        # What is adopted from the chain was declared dead in the same breath.
        counts = town.known.counts
        is_adopting = counts["released by adopt"] or counts["restores"]
        is_adopted = edge in (("EXPIRED", "LANDED"), ("PLANNED", "FINALIZED")) and is_adopting
        is_known = edge in EDGES[row["entity"]] or is_adopted
        assert is_known, f"{row['entity']} {row['name']}: {edge}"
        town.edges_read = row["id"]


def i16_nobody_is_stopped_for_nothing(town: Town, now: Glance) -> None:
    """While nothing was forgotten and no key is stolen, the books never seem to lack a payment."""
    pause = pauses.read(town.look)
    if pause is not None and town.known.lost_since is None:
        assert guard.CAUSE not in str(pause["reason"]), f"stopped for nothing: {pause['reason']}"


def i10_the_audit_chain_verifies(town: Town, now: Glance) -> None:
    """The audit chain verifies, hashed here as its page says."""
    previous = bytes(32)
    for number, row in enumerate(
        town.look.execute(
            "SELECT seq, at, actor, action, subject, detail::text AS detail, previous_hash, hash"
            " FROM audit_log ORDER BY seq"
        ),
        start=1,
    ):
        moment = (row["at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        parts = [str(row["seq"]), str(moment), row["actor"], row["action"], row["subject"]]
        text = b"".join(part.encode() + b"\x00" for part in parts) + row["detail"].encode()
        assert row["seq"] == number
        assert bytes(row["previous_hash"]) == previous
        previous = hashlib.sha256(previous + text).digest()
        assert bytes(row["hash"]) == previous, f"audit line {number} was changed"


CHEAP: Final = (
    i01_a_payout_has_one_finalized_transfer_at_most_and_one_if_paid,
    i02_the_ledger_sums_to_zero_and_no_account_is_below_its_bound,
    i03_what_moved_on_chain_explains_every_balance,
    i04_no_node_saw_a_signature_that_was_never_sent,
    i05_an_expired_attempt_never_lands,
    i06_one_live_attempt_per_batch_and_one_live_batch_per_payout,
    i07_reserved_is_at_least_what_is_in_flight,
    i08_paid_implies_finalized_evidence,
    i10_only_allowed_edges_occur,
    i16_nobody_is_stopped_for_nothing,
)
"""After every step."""

COSTLY: Final = (i02_every_table_agrees_with_the_ledger, i10_the_audit_chain_verifies)
"""Every few steps, and at the end."""
