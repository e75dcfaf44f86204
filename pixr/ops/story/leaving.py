"""The creator takes the money out, with a code of her phone, and checks the proof."""

from __future__ import annotations

import base64
import time
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import UUID

from solders.keypair import Keypair

from pixr.domain import proofs
from pixr.ops.hygiene.needles import Secret
from pixr.ops.story.client import SETTLE_TIMEOUT_S, StoryFailed, lamports, wait_for
from pixr.ops.story.phone import enrolled
from pixr.ops.story.stage import Stage
from pixr.ops.story.watching import paid


def withdrawal(stage: Stage) -> None:
    """Alice takes everything out to a wallet of her own; the settler is woken at once."""
    stage.screen.act("The creator withdraws everything, without waiting for the minute")
    phone, recovery_codes = enrolled(stage.alice)
    stage.secrets += [
        Secret(name="TOTP secret of alice", raw=phone.secret),
        *(
            Secret(name="recovery code of alice", raw=code.encode(), is_text=True)
            for code in recovery_codes
        ),
    ]
    stage.screen.fact(
        f"she has set up a second factor, and has {len(recovery_codes)} recovery codes on paper"
    )
    with stage.screen.waiting("waiting until all of alice's earnings are paid"):
        wait_for("alice's second payout", partial(paid, stage.alice), timeout_s=SETTLE_TIMEOUT_S)
    destination = str(Keypair().pubkey())
    own = stage.alice.get("/wallet")["address"]
    refused = stage.alice.try_post("/withdraw", {"amount": "max", "destination": own}, key="self")
    if refused.status_code != HTTPStatus.BAD_REQUEST:
        raise StoryFailed(f"a withdrawal to herself was answered {refused.status_code}")
    stage.screen.fact(f"to her own wallet it is refused: {refused.json()['detail']}")
    body = {"amount": "max", "destination": destination}
    _refused(stage, body, "second-factor-needed")
    code = phone.code()
    begun_s = time.monotonic()
    asked = stage.alice.post("/withdraw", {**body, "totp_code": code}, key="alice-all")
    _refused(stage, {**body, "totp_code": code, "amount": "0.001"}, "overdrawn")
    with stage.screen.waiting("woken settler, finality"):
        done = wait_for(
            "the withdrawal",
            lambda: _withdrawn(stage, asked["withdrawal_id"]),
            timeout_s=SETTLE_TIMEOUT_S,
        )
    seconds = time.monotonic() - begun_s
    view = stage.chain.account(destination)
    if view is None or view.lamports != lamports(asked["amount"]):
        raise StoryFailed(f"{destination} holds {view}, not {asked['amount']}")
    stage.screen.fact(f"{asked['amount']['sol']} SOL arrived at {destination}, finalized")
    stage.screen.note(f"transaction {done['signature']}")
    stage.figures["withdrawal requested → finalized"] = f"{seconds:.1f} s"


def _refused(stage: Stage, body: dict[str, str], code: str) -> None:
    """Try what must not work, and see that it is refused for the right reason."""
    refused = stage.alice.try_post("/withdraw", body, key=f"refused-{code}")
    if refused.is_success or refused.json()["code"] != code:
        raise StoryFailed(f"a withdrawal was answered {refused.text[:300]}, not {code}")


def _withdrawn(stage: Stage, withdrawal_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] = stage.alice.get(f"/withdrawals/{withdrawal_id}")
    if found["state"] == "QUARANTINED":
        raise StoryFailed(f"the withdrawal was put aside: {found['reason']}")
    return found if found["state"] == "PAID" else None


def proof(stage: Stage) -> None:
    """Alice checks, without trusting us, that the chain committed to exactly her payout."""
    stage.screen.act("The proof of payout verifies")
    items = stage.alice.get("/transactions")["items"]
    payout = next(item for item in items if item["kind"] == "earnings")
    given = stage.alice.get(f"/payouts/{payout['id']}/proof")
    leaf = proofs.leaf(
        payout_id=UUID(given["payout_id"]),
        address=given["address"],
        lamports=int(given["lamports"]),
        salt=base64.b64decode(given["salt"]),
    )
    steps = [
        proofs.Step(side=step["side"], digest=base64.b64decode(step["digest"]))
        for step in given["path"]
    ]
    on_chain = stage.chain.transaction(given["signature"])
    if on_chain is None:
        raise StoryFailed(f"{given['signature']} is not on chain")
    is_committed = given["root"].encode() in on_chain.raw
    if not proofs.verify(leaf, steps, base64.b64decode(given["root"])) or not is_committed:
        raise StoryFailed("the proof does not lead to the root on chain")
    way = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    stage.screen.fact(
        f"leaf of {given['lamports']} lamports → {way} → root {given['root']},"
        " which stands in the transaction's memo"
    )
