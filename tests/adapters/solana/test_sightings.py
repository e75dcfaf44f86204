"""What one node says of a batch, and what that is worth: one row per answer."""

import itertools
from typing import Any

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import TransportFailed
from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Absent,
    Attempt,
    Failed,
    Finalized,
    ReceiptOnly,
    Search,
    Sighting,
    Unknown,
    Unsettled,
)
from tests.adapters.solana.scripted import (
    GENESIS,
    HEIGHT,
    LAST_VALID,
    RECEIPT,
    SLOT,
    Error,
    Raw,
    Script,
    account,
    attempt,
    fresh_signature,
    in_context,
    listing,
    search,
    solana,
    status,
)
from tests.adapters.solana.test_history import transaction_json

SILENCE = TransportFailed("ReadTimeoutError")
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
SOURCE_SHORT = {"InstructionError": [1, {"Custom": 1}]}
ABSENT = Absent(finalized_block_height=HEIGHT, first_available_slot=10)
NOTHING_ELSE: dict[str, Any] = {}


def look(wanted: Search, **answers: Any) -> Sighting:
    ((sighting,),) = solana(Script(**answers)).look_up([wanted])
    return sighting


def statuses(*found: Any, slot: int = SLOT + 32) -> dict[str, Any]:
    return {"getSignatureStatuses": in_context(list(found), slot)}


def receipt(value: Any, slot: int = SLOT) -> dict[str, Any]:
    return {"getMultipleAccounts": in_context([value], slot)}


def signed() -> tuple[Attempt, VersionedTransaction]:
    """An attempt whose bytes are those of a real transaction: memo, then a transfer."""
    payer = Keypair()
    pay = transfer(
        TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Pubkey.new_unique(), lamports=1)
    )
    message = Message.new_with_blockhash(
        [Instruction(MEMO, b"root", []), pay], payer.pubkey(), Hash.default()
    )
    transaction = VersionedTransaction(message, [payer])
    return attempt(str(transaction.signatures[0]), raw=bytes(transaction)), transaction


# ── one attempt, one status ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, ABSENT),
        (status("processed"), Unsettled()),
        (status("confirmed"), Unsettled()),
        # An error on a fork goes away with the fork.
        (status("processed", err="AccountNotFound"), Unsettled()),
        (status("confirmed", err=SOURCE_SHORT), Unsettled()),
    ],
)
def test_a_status_that_is_not_final_is_unsettled(found: Any, expected: Sighting) -> None:
    assert look(search(), **statuses(found)) == expected


def test_final_and_without_error_is_paid_whatever_the_rest_says() -> None:
    wanted = search()
    paid = Finalized(signature=wanted.attempts[0].signature, slot=77, fee_lamports=5_300)
    assert look(wanted, **statuses(status(slot=77)), getMultipleAccounts=SILENCE) == paid
    assert look(wanted, **statuses(status(slot=77), slot=1)) == paid


@pytest.mark.parametrize(
    "odd",
    [
        status(None),
        status("rooted"),
        {"slot": 5, "err": None},
        {"slot": 5, "confirmationStatus": "finalized"},
        {"err": None, "confirmationStatus": "finalized"},
        status(slot=-1),
        {**status(), "slot": "5"},
        {**status(), "slot": True},
        {**status(), "confirmationStatus": ["finalized"]},
        "finalized",
        7,
        [],
        True,
    ],
    ids=repr,
)  # fmt: skip
def test_a_status_that_makes_no_sense_proves_nothing_of_that_batch_alone(odd: Any) -> None:
    answers = Script(**statuses(odd, None), getMultipleAccounts=lambda wanted, _: in_context(
        [None] * len(wanted), SLOT
    ))  # fmt: skip
    first, second = solana(answers).look_up([search(), search()])
    assert isinstance(first[0], Unknown)
    assert second == [ABSENT]


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        Raw(b"<html>"),
        Raw(b"", status=429),
        Raw(b"", status=503),
        Error({"code": -32002, "message": "no data"}),
        Error({"code": -32005, "message": "no data"}),
        None,
        [],
        [None],
        {},
        {"value": [None]},
        {"context": {}, "value": [None]},
        {"context": {"slot": "5400"}, "value": [None]},
        in_context(None),
        in_context({}),
        # Half an answer, and more than was asked.
        in_context([]),
        in_context([None, None]),
        # As of a slot before the height that it named just now.
        in_context([None], SLOT - 1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", ["getSignatureStatuses", "getMultipleAccounts"])
def test_an_answer_that_proves_nothing(method: str, answer: Any) -> None:
    script = Script()
    script.answers[method] = answer
    ((sighting,),) = solana(script).look_up([search()])
    assert isinstance(sighting, Unknown)


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        Error({"code": -32005}),
        None,
        5,
        {"absoluteSlot": SLOT},
        {"blockHeight": HEIGHT},
        {"absoluteSlot": SLOT, "blockHeight": None},
        {"absoluteSlot": -1, "blockHeight": HEIGHT},
    ],
    ids=repr,
)
def test_a_node_that_cannot_name_its_height_is_asked_no_more(answer: Any) -> None:
    script = Script(getEpochInfo=answer)
    sightings = solana(script).look_up([search(), search()])
    assert [isinstance(sighting, Unknown) for (sighting,) in sightings] == [True, True]
    assert script.count("getSignatureStatuses") == 0


@pytest.mark.parametrize("answer", [SILENCE, None, "0", -1], ids=repr)
def test_a_node_that_cannot_name_its_first_block_knows_nothing(answer: Any) -> None:
    assert isinstance(look(search(), getFirstAvailableBlock=answer), Unknown)


def test_heights_are_read_before_the_search() -> None:
    script = Script()
    solana(script, genesis_hash=GENESIS).look_up([search()])
    assert [method for method, _ in script.calls] == [
        "getGenesisHash",
        "getEpochInfo",
        "getFirstAvailableBlock",
        "getSignatureStatuses",
        "getMultipleAccounts",
    ]
    levels = [params[-1].get("commitment") for method, params in script.calls if params]
    assert levels == ["finalized", None, "finalized"]
    assert script.calls[3][1][1] == {"searchTransactionHistory": True}


# ── a node whose slots run back ──────────────────────────────────────────────


def test_a_node_whose_finalized_slot_runs_back_proves_no_absence() -> None:
    """Behind one address there may be several nodes, one of them far behind."""
    script = Script()
    chain = solana(script)
    assert chain.look_up([search()]) == [[ABSENT]]
    script.answers["getEpochInfo"] = {"absoluteSlot": SLOT - 1, "blockHeight": HEIGHT - 1}
    ((sighting,),) = chain.look_up([search()])
    assert sighting == Unknown(reason=f"its finalized slot ran back from {SLOT} to {SLOT - 1}")
    script.answers["getEpochInfo"] = {"absoluteSlot": SLOT, "blockHeight": HEIGHT}
    assert chain.look_up([search()]) == [[ABSENT]]


def test_what_such_a_node_has_seen_counts_all_the_same() -> None:
    script = Script()
    chain = solana(script)
    chain.look_up([search()])
    script.answers |= {"getEpochInfo": {"absoluteSlot": 5, "blockHeight": 5}} | statuses(status())
    ((sighting,),) = chain.look_up([search()])
    assert isinstance(sighting, Finalized)


def test_a_failure_that_a_lagging_node_tells_is_no_proof() -> None:
    """Its receipts are as old as itself; another attempt may have paid since."""
    script = Script()
    chain = solana(script)
    chain.look_up([search()])
    script.answers |= {"getEpochInfo": {"absoluteSlot": 5, "blockHeight": 5}}
    script.answers |= statuses(status(err="AccountNotFound"))
    ((sighting,),) = chain.look_up([search()])
    assert isinstance(sighting, Unknown)


# ── failures ─────────────────────────────────────────────────────────────────


def test_a_final_failure_counts_while_there_is_no_receipt() -> None:
    wanted = search()
    error = {"InsufficientFundsForRent": {"account_index": 4}}
    assert look(wanted, **statuses(status(err=error, slot=9))) == Failed(
        signature=wanted.attempts[0].signature,
        slot=9,
        fee_lamports=5_300,
        error='{"InsufficientFundsForRent": {"account_index": 4}}',
        account_index=4,
    )


def test_the_receipt_must_be_looked_at_after_the_failure() -> None:
    failed = statuses(status(err=SOURCE_SHORT, slot=SLOT + 10))
    assert isinstance(look(search(), **failed, **receipt(None, SLOT + 9)), Unknown)
    assert isinstance(look(search(), **failed, **receipt(None, SLOT + 10)), Failed)


def test_a_source_that_is_short_names_nobody() -> None:
    tried, _ = signed()
    found = look(search(tried), **statuses(status(err=SOURCE_SHORT)))
    assert isinstance(found, Failed)
    assert (found.is_source_short, found.instruction_index) == (True, None)


def test_the_same_code_of_another_program_names_its_instruction() -> None:
    tried, _ = signed()
    of_the_memo = {"InstructionError": [0, {"Custom": 1}]}
    found = look(search(tried), **statuses(status(err=of_the_memo)))
    assert isinstance(found, Failed)
    assert (found.is_source_short, found.instruction_index) == (False, 0)


STATUSES = {
    "paid": status(),
    "failed": status(err=SOURCE_SHORT),
    "seen": status("confirmed"),
    "odd": status(None),
    "null": None,
}


@pytest.mark.parametrize("kinds", list(itertools.product(STATUSES, repeat=3)), ids="-".join)
def test_of_several_attempts_what_matters_most_is_told(kinds: tuple[str, ...]) -> None:
    """Paid beats seen, seen beats doubt, doubt beats failed, failed beats nothing."""
    attempts = [attempt(number=number) for number in (1, 2, 3)]
    found = look(search(*attempts), **statuses(*(STATUSES[kind] for kind in kinds)))
    order: dict[str, type] = {
        "paid": Finalized,
        "seen": Unsettled,
        "odd": Unknown,
        "failed": Failed,
        "null": Absent,
    }
    expected = next(kind for kind in order if kind in kinds)
    assert isinstance(found, order[expected])
    if isinstance(found, Finalized | Failed):
        named = [item for item, kind in zip(attempts, kinds, strict=True) if kind == expected]
        assert found.signature in {item.signature for item in named}
    if isinstance(found, Failed):
        assert found.signature == named[-1].signature


# ── receipts ─────────────────────────────────────────────────────────────────


def made_by(signature: str, *others: tuple[str, Any]) -> dict[str, Any]:
    """A receipt that exists, its transactions newest first."""
    listed = [*others, (signature, None)]
    records = [
        {"signature": name, "slot": SLOT - number, "err": err}
        for number, (name, err) in enumerate(listed)
    ]
    return receipt(account()) | {"getSignaturesForAddress": listing(records)}


def test_an_attempt_that_made_the_receipt_has_paid() -> None:
    tried, transaction = signed()
    found = look(
        search(tried),
        **made_by(tried.signature, (fresh_signature(), None), (fresh_signature(), "x")),
        getTransaction=transaction_json(transaction, slot=66),
    )
    assert found == Finalized(signature=tried.signature, slot=66, fee_lamports=5_300)


def test_a_stranger_who_made_the_receipt_is_named() -> None:
    stranger = fresh_signature()
    found = look(search(), **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)


def test_who_failed_to_make_it_did_not_make_it() -> None:
    stranger = fresh_signature()
    records = [
        {"signature": stranger, "slot": SLOT, "err": None},
        {"signature": fresh_signature(), "slot": SLOT - 1, "err": "x"},
    ]
    answers = receipt(account()) | {"getSignaturesForAddress": listing(records)}
    assert look(search(), **answers) == ReceiptOnly(address=RECEIPT, creator=stranger)


def test_a_receipt_beats_a_failure() -> None:
    stranger = fresh_signature()
    failed = statuses(status(err="AccountNotFound"))
    found = look(search(), **failed, **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)


@pytest.mark.parametrize(
    "answers",
    [
        {"getSignaturesForAddress": []},
        {"getSignaturesForAddress": SILENCE},
        {"getSignaturesForAddress": Error({"code": -32005})},
        {"getSignaturesForAddress": "none"},
        {"getTransaction": None},
        {"getTransaction": SILENCE},
        {"getTransaction": {"slot": 5}},
    ],
    ids=repr,
)
def test_a_receipt_whose_maker_is_not_listed_yet_is_no_news(answers: dict[str, Any]) -> None:
    """The list may lag behind the accounts, and our own attempt may be what is missing."""
    tried, _ = signed()
    live = attempt(tried.signature, last_valid_block_height=HEIGHT - EXPIRY_MARGIN_BLOCKS)
    assert isinstance(look(search(live), **made_by(live.signature) | answers), Unknown)


@pytest.mark.parametrize(
    ("answers", "has_creator"),
    [({"getSignaturesForAddress": []}, False), ({"getTransaction": None}, True)],
)
def test_past_expiry_nothing_more_will_be_listed(
    answers: dict[str, Any],
    has_creator: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    dead = attempt(last_valid_block_height=HEIGHT - EXPIRY_MARGIN_BLOCKS - 1)
    found = look(search(dead), **made_by(dead.signature) | answers)
    creator = dead.signature if has_creator else None
    assert found == ReceiptOnly(address=RECEIPT, creator=creator)


def test_an_attempt_that_is_listed_as_failed_now_has_not_paid() -> None:
    tried, transaction = signed()
    found = look(
        search(tried),
        **made_by(tried.signature),
        getTransaction=transaction_json(transaction, err="AccountNotFound"),
    )
    assert not isinstance(found, Finalized)


def test_a_receipt_that_somebody_floods_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixr.adapters.solana.history.SIGNATURES_PER_PAGE", 1)

    def flood(_: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        del options
        return [{"signature": fresh_signature(), "slot": 1, "err": None}]

    answers = receipt(account()) | {"getSignaturesForAddress": flood}
    assert look(search(), **answers) == ReceiptOnly(address=RECEIPT, creator=None)


def test_an_account_without_lamports_or_owner_is_no_answer() -> None:
    for odd in ({}, account(lamports=-1), account(owner="me"), 5, "x"):
        assert isinstance(look(search(), **receipt(odd)), Unknown)


# ── a batch without a receipt of its own ─────────────────────────────────────


def test_without_a_receipt_the_statuses_are_all_there_is() -> None:
    script = Script()
    assert solana(script).look_up([search(receipt=None)]) == [[ABSENT]]
    assert script.count("getMultipleAccounts") == 0
    assert isinstance(look(search(receipt=None), **statuses(status(err="x"))), Failed)


# ── many at once ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workers", [1, 8])
def test_many_searches_take_few_calls_and_keep_their_order(workers: int) -> None:
    searches = [search(attempt(), attempt(), receipt=str(Pubkey.new_unique())) for _ in range(300)]
    paid = {item.attempts[1].signature for item in searches[::3]}

    def answer(signatures: list[str], _: Any) -> Any:
        return in_context([status() if name in paid else None for name in signatures])

    scripts = [Script(f"http://node-{number}", getSignatureStatuses=answer) for number in (1, 2)]
    found = solana(*scripts, workers=workers).look_up(searches)
    for number, sightings in enumerate(found):
        kind = Finalized if number % 3 == 0 else Absent
        assert [type(sighting) for sighting in sightings] == [kind, kind]
    for script in scripts:
        assert script.count("getSignatureStatuses") == 3  # 600 signatures
        assert script.count("getMultipleAccounts") == 2  # 200 receipts
        assert len(script.calls) == 7


def test_a_page_that_fails_leaves_the_others_their_worth() -> None:
    searches = [search(receipt=None) for _ in range(300)]
    script = Script()
    script.once["getSignatureStatuses"] = [Raw(b"<html>")]
    found = [sighting for (sighting,) in solana(script).look_up(searches)]
    assert [type(item) for item in found] == [Unknown] * 256 + [Absent] * 44


def test_each_node_says_its_own() -> None:
    scripts = [
        Script("http://a"),
        Script("http://b", getGenesisHash="1" * 32),
        Script("http://c", getEpochInfo=SILENCE),
        Script("http://d", **statuses(status("confirmed"))),
    ]
    ((first, second, third, fourth),) = solana(*scripts, genesis_hash=GENESIS).look_up([search()])
    assert first == ABSENT
    assert isinstance(second, Unknown)
    assert "wrong genesis" in second.reason
    assert second.reason.startswith("b: ")
    assert isinstance(third, Unknown)
    assert fourth == Unsettled()


def test_a_node_that_is_left_alone_is_unknown_and_never_absent() -> None:
    script = Script(getEpochInfo=SILENCE)
    chain = solana(script)
    found = [chain.look_up([search()])[0][0] for _ in range(10)]
    assert all(isinstance(sighting, Unknown) for sighting in found)
    assert "breaker open" in str(found[-1])
    script.answers["getEpochInfo"] = {"absoluteSlot": SLOT, "blockHeight": HEIGHT}
    ((sighting,),) = chain.look_up([search()])
    assert isinstance(sighting, Unknown)


def test_nothing_to_look_for_asks_nobody() -> None:
    script = Script()
    assert solana(script).look_up([]) == []
    assert script.calls == []


def test_a_search_without_attempts_finds_who_paid() -> None:
    """A recovery looks for batches whose attempts were lost with the database."""
    stranger = fresh_signature()
    found = look(Search(attempts=(), receipt=RECEIPT), **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)
    assert look(Search(attempts=(), receipt=RECEIPT)) == ABSENT


def test_the_row_that_all_this_is_about_is_well_made() -> None:
    """Past expiry by the margin, as the table above assumes."""
    assert HEIGHT > LAST_VALID + EXPIRY_MARGIN_BLOCKS
