"""Real transactions that make a receipt and pay, and patience until the chain has them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    ID,
    CreateAccountWithSeedParams,
    TransferParams,
    create_account_with_seed,
    transfer,
)
from solders.transaction import Transaction

from pixr.adapters.solana import Blockhash, Solana
from pixr.domain.payouts import (
    Absent,
    Attempt,
    Search,
    Sighting,
    Unsettled,
)

DEAD = "http://127.0.0.1:9"
"""Nobody listens there."""

RENT = 890_880
WAIT_S = 30.0


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A transaction that makes a receipt and pays, as an attempt and as a search."""

    attempt: Attempt
    search: Search
    target: Pubkey


def batch(
    solana: Solana,
    payer: Keypair,
    *,
    lamports: int = RENT,
    seed: str = "",
    given: Blockhash | None = None,
) -> Batch:
    target = Pubkey.new_unique()
    name = seed or str(target)[:16]
    receipt = Pubkey.create_with_seed(payer.pubkey(), name, ID)
    make = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=payer.pubkey(),
            to_pubkey=receipt,
            base=payer.pubkey(),
            seed=name,
            lamports=RENT,
            space=0,
            owner=ID,
        )
    )
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=target, lamports=lamports))
    given = given or solana.blockhash()
    blockhash = Hash.from_string(given.hash)
    message = Message.new_with_blockhash([make, pay], payer.pubkey(), blockhash)
    signed = Transaction([payer], message, blockhash)
    attempt = Attempt(
        signature=str(signed.signatures[0]),
        batch_id=UUID(int=1),
        number=1,
        state="INFLIGHT",
        raw=bytes(signed),
        blockhash_slot=given.slot,
        last_valid_block_height=given.last_valid_block_height,
        fee_lamports_max=5_000,
    )
    return Batch(
        attempt=attempt,
        search=Search(attempts=(attempt,), receipt=str(receipt)),
        target=target,
    )


def settled(solana: Solana, search: Search) -> list[Sighting]:
    """Wait until no node says Unsettled or Absent any more."""

    def look() -> list[Sighting] | None:
        (found,) = solana.look_up([search])
        return None if any(isinstance(item, Unsettled | Absent) for item in found) else found

    found: list[Sighting] = wait_for(look)
    return found
