"""The adapter on the real runtime: several nodes of one chain, each with faults of its own."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
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

from pixr.adapters.solana import Blockhash, ChainUnreachable, HistoryTooLong, Solana
from pixr.adapters.solana.breaker import COOL_OFF_S
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
    Unknown,
    Unsettled,
    Verdict,
    judge,
)
from pixr.local.chain import ChainProcess, running_chain

DEAD = "http://127.0.0.1:9"
RENT = 890_880
SOL = 10**9
WAIT_S = 30.0


@pytest.fixture(scope="module")
def chain() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20) as process:
        yield process


@pytest.fixture
def faults(chain: ChainProcess) -> Iterator[Callable[..., None]]:
    """Switch faults of one node; all are off again afterwards."""
    quiet = httpx.get(f"{chain.url}/faults").json()
    touched: set[int] = set()

    def switch(node: int = 1, **values: Any) -> None:
        touched.add(node)
        httpx.post(f"{chain.node_url(node)}/faults", json=values).raise_for_status()

    yield switch
    for node in touched:
        switch(node, **quiet)


@pytest.fixture(scope="module")
def payer(chain: ChainProcess) -> Keypair:
    """Somebody with money."""
    found = Keypair()
    solana = Solana([chain.url])
    signature = solana.nodes[0].call("requestAirdrop", str(found.pubkey()), 1_000 * SOL)
    wait_for(lambda: solana.transaction(signature))
    return found


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


# ── one payment ──────────────────────────────────────────────────────────────


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


# ── nodes with faults ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        {"http_429": True},
        {"http_503": True},
        {"garbage": True},
        {"cut_answers": True},
        {"refuse_code": -32002},
        {"refuse_code": -32005},
    ],
    ids=repr,
)
def test_a_node_that_fails_knows_nothing(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None], fault: dict[str, Any]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(**fault)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Unknown)
    with pytest.raises(ChainUnreachable):
        solana.blockhash()
    assert [type(found) for found in solana.rehearse([one.attempt.raw])] == [Unknown]
    solana.send([one.attempt.raw])


def test_half_an_answer_is_no_absence(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(half_answers=True)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Unknown)
    with pytest.raises(ChainUnreachable):
        solana.accounts([str(one.target), str(one.target)])


def test_a_healthy_node_beside_it_is_enough_to_read(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(2, garbage=True)
    solana = Solana([DEAD, chain.node_url(2), chain.url])
    one = batch(solana, payer)
    ((dead, broken, healthy),) = solana.look_up([one.search])
    assert (type(dead), type(broken), type(healthy)) == (Unknown, Unknown, Absent)
    assert solana.slot() >= 0


def test_bytes_that_were_taken_with_an_error_have_paid(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(error_after_accept=True)
    solana.send([one.attempt.raw])
    faults(error_after_accept=False)
    assert isinstance(settled(solana, one.search)[0], Finalized)


def test_bytes_that_one_node_drops_reach_the_chain_by_another(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(drop_sends=True)
    solana = Solana([chain.url, chain.node_url(2)])
    one = batch(solana, payer)
    solana.send([one.attempt.raw])
    assert isinstance(settled(solana, one.search)[0], Finalized)


def test_a_node_of_another_chain_has_no_say(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    ours = Solana([chain.url]).genesis_hash()
    faults(2, wrong_genesis=True)
    solana = Solana([chain.node_url(2), chain.url], genesis_hash=ours)
    one = batch(solana, payer)
    ((foreign, own),) = solana.look_up([one.search])
    assert isinstance(foreign, Unknown)
    assert "wrong genesis" in foreign.reason
    assert isinstance(own, Absent)
    with pytest.raises(ChainUnreachable, match="several chains"):
        Solana([chain.node_url(2), chain.url]).genesis_hash()


def test_a_lagging_node_proves_no_absence_and_gives_no_blockhash(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(2, lag_blocks=60)
    solana = Solana([chain.node_url(2), chain.url])
    height = solana.nodes[1].call("getBlockHeight", {"commitment": "confirmed"})
    one = batch(solana, payer)
    assert one.attempt.last_valid_block_height >= height + 150
    solana.send([one.attempt.raw])
    settled(Solana([chain.url]), one.search)
    faults(1, freeze=True)
    ((late, current),) = solana.look_up([one.search])
    assert isinstance(late, Absent | Unsettled)
    assert judge([one.attempt], [late]) is Verdict.WAIT
    assert judge([one.attempt], [late, current]) is Verdict.PAID
    faults(1, freeze=False)
    assert settled(solana, one.search) == [current, current]


def test_one_address_with_two_nodes_behind_it_proves_no_absence(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    """A load balancer sent the first look to one node and the second to one that lags."""
    solana = Solana([chain.node_url(2)])
    one = batch(solana, payer)
    ((before,),) = solana.look_up([one.search])
    assert isinstance(before, Absent)
    faults(2, lag_blocks=60)
    ((after,),) = solana.look_up([one.search])
    assert isinstance(after, Unknown)
    assert "ran back" in after.reason


@pytest.mark.parametrize("lie_blocks", [-(10**6), -50, 10**6])
def test_a_lie_about_the_last_height_is_seen_through(
    chain: ChainProcess, faults: Callable[..., None], lie_blocks: int
) -> None:
    solana = Solana([chain.url])
    faults(height_lie_blocks=lie_blocks, freeze=True)
    height = solana.nodes[0].call("getBlockHeight", {"commitment": "confirmed"})
    assert solana.blockhash().last_valid_block_height == height + 150


def test_a_node_that_lost_its_history_says_how_far_it_goes(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(forget_before_slot=one.attempt.blockhash_slot + 5)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Absent)
    assert sighting.first_available_slot > one.attempt.blockhash_slot


def test_a_node_that_comes_back_is_believed_again(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    now_s = 0.0
    solana = Solana([chain.url], clock=lambda: now_s, sleep=lambda _: None)
    one = batch(solana, payer)
    faults(http_503=True)
    reasons = [str(solana.look_up([one.search])[0][0]) for _ in range(8)]
    assert "breaker open" in reasons[-1]
    faults(http_503=False)
    assert isinstance(solana.look_up([one.search])[0][0], Unknown)
    now_s += COOL_OFF_S
    assert isinstance(solana.look_up([one.search])[0][0], Absent)


# ── many at once, and long lists ─────────────────────────────────────────────


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
