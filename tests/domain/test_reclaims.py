"""Goal: a reclaim empties exactly its receipts into the treasury, and says nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.keypair import Keypair
from solders.transaction import Transaction

from pixr.domain import packing, reclaims
from pixr.domain.intent import IntentMismatch
from pixr.domain.packing import TRANSACTION_BYTES_MAX
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM, Receipt, ReclaimIntent

TREASURY = Keypair.from_seed(bytes(32))
BLOCKHASH = str(Hash.default())


def receipt(number: int, lamports: int = 890_880) -> Receipt:
    seed = f"{number:016d}"
    address = packing.receipt_address(str(TREASURY.pubkey()), seed)
    return Receipt(address=address, seed=seed, lamports=lamports)


def reclaim(count: int) -> ReclaimIntent:
    return ReclaimIntent(
        treasury=str(TREASURY.pubkey()), receipts=tuple(receipt(n) for n in range(count))
    )


def size(intent: ReclaimIntent) -> int:
    message = reclaims.message(intent, blockhash=BLOCKHASH, price=0)
    return len(bytes(Transaction([TREASURY], message, Hash.default())))


def test_as_many_receipts_as_fit() -> None:
    assert size(reclaim(RECEIPTS_PER_RECLAIM)) <= TRANSACTION_BYTES_MAX
    assert size(reclaim(RECEIPTS_PER_RECLAIM + 1)) > TRANSACTION_BYTES_MAX


@given(count=st.integers(1, RECEIPTS_PER_RECLAIM), price=st.integers(0, 10**9))
def test_the_signer_recognises_what_was_built(count: int, price: int) -> None:
    intent = reclaim(count)
    message = reclaims.message(intent, blockhash=BLOCKHASH, price=price)
    reclaims.check(bytes(message), intent, price=price)


@pytest.mark.parametrize(
    "planted",
    [
        reclaim(3),
        replace(reclaim(2), receipts=(receipt(0), receipt(7))),
        replace(reclaim(2), receipts=(receipt(1), receipt(0))),
        replace(reclaim(2), receipts=(receipt(0), receipt(1, 890_881))),
        replace(reclaim(2), treasury=str(Keypair.from_seed(bytes([1] * 32)).pubkey())),
    ],
    ids=["one more", "another receipt", "another order", "another amount", "another treasury"],
)
def test_anything_else_is_refused(planted: ReclaimIntent) -> None:
    message = reclaims.message(planted, blockhash=BLOCKHASH, price=5)
    with pytest.raises(IntentMismatch):
        reclaims.check(bytes(message), reclaim(2), price=5)


def test_another_price_is_refused() -> None:
    message = reclaims.message(reclaim(2), blockhash=BLOCKHASH, price=6)
    with pytest.raises(IntentMismatch, match="instruction 1"):
        reclaims.check(bytes(message), reclaim(2), price=5)
