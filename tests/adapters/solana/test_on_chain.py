"""The adapter on the real runtime: payments that land, fail, or were paid before."""

import pytest
from solders.keypair import Keypair
from solders.transaction import Transaction

from pixr.adapters.solana import ChainUnreachable, HistoryTooLong, Solana
from pixr.domain.payouts import (
    Absent,
    Failed,
    Finalized,
    Passes,
    ReceiptOnly,
    Refuses,
    Search,
    Sighting,
    Verdict,
    judge,
)
from pixr.local.chain import ChainProcess
from tests.adapters.solana.payments import DEAD, RENT, batch, settled, wait_for


def test_a_payment_from_absent_to_finalized(chain: ChainProcess, payer: Keypair) -> None:
    solana = Solana([chain.url, chain.node_url(2)], genesis_hash=Solana([chain.url]).genesis_hash())
    one = batch(solana, payer)
    (before,) = solana.look_up([one.search])
    assert [type(sighting) for sighting in before] == [Absent, Absent]
    assert judge([one.attempt], before) is Verdict.WAIT
    assert solana.rehearse([one.attempt.raw]) == [Passes()]
    solana.send([one.attempt.raw])
    after = settled(solana, one.search)
    view = solana.transaction(one.attempt.signature)
    assert view is not None
    paid = Finalized(
        signature=one.attempt.signature, slot=view.slot, fee_lamports=view.fee_lamports
    )
    assert after == [paid, paid]
    assert view.raw == one.attempt.raw
    assert view.accounts[0] == str(payer.pubkey())
    assert view.changes[str(one.target)] == RENT
    assert view.changes[view.accounts[0]] == -(2 * RENT + 5_000)
    assert solana.balance_change(one.attempt.signature, str(one.target)) == RENT
    (listed,) = solana.signatures(str(one.target), until=None)
    assert (listed.signature, listed.slot, listed.is_failed) == (view.signature, view.slot, False)
    account = solana.account(str(one.target))
    assert account is not None
    assert (account.lamports, account.data_bytes, account.is_executable) == (RENT, 0, False)


def test_a_payment_that_fails_names_the_same_account_before_and_after(
    chain: ChainProcess, payer: Keypair
) -> None:
    solana = Solana([chain.url])
    poisoned = batch(solana, payer, lamports=1)
    ((told),) = solana.rehearse([poisoned.attempt.raw])
    solana.send([poisoned.attempt.raw])
    (found,) = settled(solana, poisoned.search)
    assert isinstance(told, Refuses)
    assert isinstance(found, Failed)
    message = Transaction.from_bytes(poisoned.attempt.raw).message
    assert found.account_index is not None
    assert message.account_keys[found.account_index] == poisoned.target
    assert (told.error, told.account_index) == (found.error, found.account_index)
    assert judge([poisoned.attempt], [found]) is Verdict.FAILED


def test_a_payer_who_is_short_is_to_blame(chain: ChainProcess, payer: Keypair) -> None:
    solana = Solana([chain.url])
    greedy = batch(solana, payer, lamports=10**15)
    solana.send([greedy.attempt.raw])
    (found,) = settled(solana, greedy.search)
    assert isinstance(found, Failed)
    assert found.is_source_short
    assert (found.account_index, found.instruction_index) == (None, None)


def test_a_second_attempt_is_refused_and_the_first_is_found(
    chain: ChainProcess, payer: Keypair
) -> None:
    """The receipt keeps a batch from being paid twice, and tells which attempt paid it."""
    solana = Solana([chain.url])
    first = batch(solana, payer, seed="once")
    solana.send([first.attempt.raw])
    assert isinstance(settled(solana, first.search)[0], Finalized)
    second = batch(solana, payer, seed="once")
    assert second.search.receipt == first.search.receipt
    solana.send([second.attempt.raw])
    found = settled(solana, second.search)
    creator = first.attempt.signature
    assert found == [ReceiptOnly(address=str(first.search.receipt), creator=creator)]
    both = Search(attempts=(first.attempt, second.attempt), receipt=first.search.receipt)
    (known,) = settled(solana, both)
    assert isinstance(known, Finalized)
    assert known.signature == creator


def test_many_payments_at_once(chain: ChainProcess, payer: Keypair) -> None:
    solana = Solana([chain.url, chain.node_url(2)])
    given = solana.blockhash()
    batches = [batch(solana, payer, given=given) for _ in range(120)]
    raws = [item.attempt.raw for item in batches]
    solana.send(raws)

    def look() -> list[list[Sighting]] | None:
        found = solana.look_up([item.search for item in batches])
        is_done = all(isinstance(item, Finalized) for each in found for item in each)
        return found if is_done else None

    found = wait_for(look)
    told = [{sighting.signature for sighting in each} for each in found]
    assert told == [{item.attempt.signature} for item in batches]
    views = solana.accounts([str(item.target) for item in batches])
    assert [view and view.lamports for view in views] == [RENT] * 120
    others = [batch(solana, payer, given=given).attempt.raw for _ in range(30)]
    assert solana.rehearse([*raws[:30], *others]) == [
        *[Refuses(error='{"InstructionError": [0, {"Custom": 0}]}', instruction_index=0)] * 30,
        *[Passes()] * 30,
    ]


def test_a_flood_is_told_apart_from_an_outage(
    chain: ChainProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address has two transactions: with pages of one, two pages and no end."""
    somebody = str(Keypair().pubkey())
    solana = Solana([chain.url])
    for _ in range(2):
        solana.nodes[0].call("requestAirdrop", somebody, 1_000_000)
    wait_for(lambda: len(solana.signatures(somebody, until=None)) > 1)
    monkeypatch.setattr("pixr.adapters.solana.history.SIGNATURES_PER_PAGE", 1)
    monkeypatch.setattr("pixr.adapters.solana.history.PAGES_MAX", 2)
    with pytest.raises(HistoryTooLong):
        solana.signatures(somebody, until=None)


def test_prices_and_heights_are_there_to_be_read(chain: ChainProcess, payer: Keypair) -> None:
    solana = Solana([chain.url])
    assert solana.recent_fees([str(payer.pubkey())])
    assert solana.finalized_height() <= solana.slot()


def test_nobody_is_there() -> None:
    with pytest.raises(ChainUnreachable, match=r"127\.0\.0\.1:9: .*ConnectionRefusedError"):
        Solana([DEAD]).slot()
