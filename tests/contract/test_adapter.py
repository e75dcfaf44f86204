"""The shipped adapter reads the same out of both chains."""

from uuid import UUID

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import Solana
from pixr.domain.payouts import (
    Absent,
    Attempt,
    Failed,
    Finalized,
    Passes,
    ReceiptOnly,
    Refuses,
    Search,
    Sighting,
)
from tests.contract.payments import Batch
from tests.contract.sides import FINALITY_BLOCKS, RENT, SOL, Side


def solana(side: Side) -> Solana:
    return Solana([side.transport], workers=1)


def treasury_of(side: Side) -> Keypair:
    treasury = Keypair()
    side.fund({treasury: 10 * SOL})
    return treasury


def attempt_of(side: Side, batch: Batch) -> tuple[Attempt, VersionedTransaction]:
    """Sign as the settler does."""
    given = solana(side).blockhash()
    transaction = batch.attempt(type(side.blockhash()).from_string(given.hash))
    return (
        Attempt(
            signature=str(transaction.signatures[0]),
            batch_id=UUID(int=1),
            number=1,
            state="INFLIGHT",
            raw=bytes(transaction),
            blockhash_slot=given.slot,
            last_valid_block_height=given.last_valid_block_height,
            fee_lamports_max=batch.fee_lamports,
        ),
        transaction,
    )


def sighting(side: Side, batch: Batch, *attempts: Attempt) -> Sighting:
    search = Search(attempts=attempts, receipt=str(batch.receipt))
    ((found,),) = solana(side).look_up([search])
    return found


def test_a_payment_is_seen_final_with_its_fee(side: Side) -> None:
    batch = Batch(treasury=treasury_of(side), transfers=[(Keypair().pubkey(), SOL)])
    attempt, _ = attempt_of(side, batch)
    solana(side).send([attempt.raw])
    side.blocks(FINALITY_BLOCKS)
    found = sighting(side, batch, attempt)
    assert isinstance(found, Finalized)
    assert (found.signature, found.fee_lamports) == (attempt.signature, batch.fee_lamports)
    told = solana(side).transaction(attempt.signature)
    assert told is not None
    assert (told.fee_lamports, told.raw, told.error) == (batch.fee_lamports, attempt.raw, None)
    assert told.changes[str(batch.receipt)] == RENT
    assert told.accounts[0] == str(batch.treasury.pubkey())


def test_a_failure_is_seen_with_whom_it_names(side: Side) -> None:
    poison = Keypair().pubkey()
    transfers = [(Keypair().pubkey(), SOL), (poison, 1)]
    batch = Batch(treasury=treasury_of(side), transfers=transfers)
    attempt, transaction = attempt_of(side, batch)
    (rehearsal,) = solana(side).rehearse([attempt.raw])
    solana(side).send([attempt.raw])
    side.blocks(FINALITY_BLOCKS)
    found = sighting(side, batch, attempt)
    index = list(transaction.message.account_keys).index(poison)
    assert isinstance(found, Failed)
    assert isinstance(rehearsal, Refuses)
    assert found.account_index == rehearsal.account_index == index
    assert found.error == rehearsal.error


def test_what_expired_is_absent_beyond_its_last_height(side: Side) -> None:
    batch = Batch(treasury=treasury_of(side), transfers=[(Keypair().pubkey(), SOL)])
    attempt, _ = attempt_of(side, batch)
    side.blocks(150 + 32 + 34)
    found = sighting(side, batch, attempt)
    assert isinstance(found, Absent)
    assert found.finalized_block_height > attempt.last_valid_block_height + 32
    assert found.first_available_slot == 0


def test_a_receipt_that_another_transaction_made_is_told_with_its_maker(side: Side) -> None:
    batch = Batch(treasury=treasury_of(side), transfers=[(Keypair().pubkey(), SOL)])
    forgotten, _ = attempt_of(side, batch)
    solana(side).send([forgotten.raw])
    side.blocks(FINALITY_BLOCKS)
    known, _ = attempt_of(side, batch)
    found = sighting(side, batch, known)
    assert found == ReceiptOnly(address=str(batch.receipt), creator=forgotten.signature)


def test_accounts_signatures_and_heights_read_alike(side: Side) -> None:
    treasury, program = treasury_of(side), side.program()
    side.blocks(FINALITY_BLOCKS)
    nobody = str(Keypair().pubkey())
    batch = Batch(treasury=treasury, transfers=[(Keypair().pubkey(), SOL)])
    attempt, _ = attempt_of(side, batch)
    assert solana(side).rehearse([attempt.raw]) == [Passes()]
    solana(side).send([attempt.raw])
    side.blocks(FINALITY_BLOCKS)
    wallet, code, nothing = solana(side).accounts([str(treasury.pubkey()), program, nobody])
    assert nothing is None
    assert wallet is not None
    assert code is not None
    assert wallet.lamports == 9 * SOL - RENT - batch.fee_lamports
    assert (wallet.data_bytes, wallet.is_executable) == (0, False)
    assert (code.data_bytes, code.is_executable) == (36, True)
    airdrop, payment = solana(side).signatures(str(treasury.pubkey()), until=None)
    assert payment.signature == attempt.signature
    assert airdrop.slot < payment.slot
    listed = solana(side).signatures(str(treasury.pubkey()), until=airdrop.signature)
    assert [record.signature for record in listed] == [attempt.signature]
    assert solana(side).finalized_height() <= side.height()
    assert solana(side).genesis_hash() == side.call("getGenesisHash")
    fees = solana(side).recent_fees([str(Pubkey.default())])
    assert fees
    assert min(fees.values()) == 0
