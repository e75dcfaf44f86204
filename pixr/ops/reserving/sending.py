"""A transaction of the reserve's: paid for by an operator, sent, and waited for until it is final.

Never paid for by the hot treasury. The settler stops when it finds that the treasury paid for
something that the database does not know; what somebody else paid for is a deposit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from pixr.adapters.keys import AnySigner
from pixr.adapters.solana import ChainUnreachable, Solana, TransactionView
from pixr.domain.payouts import Refuses
from pixr.local.errors import LocalError

PACKET_BYTES_MAX: Final = 1_232
WAIT_S: Final = 180.0
"""Twice as long as a blockhash lives."""
POLL_S: Final = 0.2
POLLS_BETWEEN_SENDS: Final = 10


def pay(
    chain: Solana, steps: Sequence[Instruction], *, payer: AnySigner, others: Sequence[AnySigner]
) -> TransactionView:
    """Sign a transaction against a recent blockhash, and see it to its end.

    Raises:
        LocalError: It would fail, failed, or its end is not known.
        ChainUnreachable: No node gives a blockhash; nothing was sent.
    """
    blockhash = chain.blockhash()
    paying = Pubkey.from_string(payer.address)
    message = Message.new_with_blockhash(steps, paying, Hash.from_string(blockhash.hash))
    raw = bytes(message)
    signatures = {signer.address: signer.sign(raw) for signer in (payer, *others)}
    transaction = joined(message, signatures)
    found = land(chain, transaction, last_height=blockhash.last_valid_block_height)
    if found is None:
        raise LocalError(
            f"{transaction.signatures[0]} has expired without landing: nothing happened.",
            mend="Say the same again.",
        )
    return found


def joined(message: Message, signatures: Mapping[str, Signature]) -> VersionedTransaction:
    """Put each signature where the message wants it."""
    keys = message.account_keys[: message.header.num_required_signatures]
    return VersionedTransaction.populate(message, [signatures[str(key)] for key in keys])


def land(
    chain: Solana, transaction: VersionedTransaction, *, last_height: int | None
) -> TransactionView | None:
    """Send until it is final.

    Args:
        chain: Where to.
        transaction: Signed by everybody.
        last_height: Until which height it can land; None with a durable nonce.

    Returns:
        What the chain kept of it; None when it is past ``last_height`` and on no node.

    Raises:
        LocalError: It is too large, would fail, failed, or its end is not known.
    """
    raw, signature = bytes(transaction), str(transaction.signatures[0])
    if len(raw) > PACKET_BYTES_MAX:
        raise LocalError(
            f"The transaction has {len(raw)} bytes, more than {PACKET_BYTES_MAX}.",
            mend="Name fewer signers.",
        )
    (rehearsal,) = chain.rehearse([raw])
    if isinstance(rehearsal, Refuses):
        raise LocalError(
            f"The chain would refuse it: {rehearsal.error}.",
            mend="Nothing was sent. `pixr treasury status` shows what the chain has.",
        )
    deadline_s = time.monotonic() + WAIT_S
    polls = 0
    while time.monotonic() < deadline_s:
        if polls % POLLS_BETWEEN_SENDS == 0:
            chain.send([raw])
        polls += 1
        with suppress(ChainUnreachable):
            # The height first: what is not found afterwards can land no more.
            is_past = last_height is not None and chain.finalized_height() > last_height
            found = chain.transaction(signature)
            if found is not None:
                return refuse_failed(found)
            if is_past:
                return None
        time.sleep(POLL_S)
    raise LocalError(
        f"{signature} is not final after {WAIT_S:.0f} s, and may still land.",
        mend="Look with `pixr treasury status` before you say the same again.",
    )


def refuse_failed(found: TransactionView) -> TransactionView:
    """Return a transaction that did what it says.

    Raises:
        LocalError: It landed and failed.
    """
    if found.error is not None:
        raise LocalError(
            f"The chain refused {found.signature}: {found.error}.", mend="Nothing was moved."
        )
    return found
