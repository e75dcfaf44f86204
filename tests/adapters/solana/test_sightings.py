"""What one node says of a batch, and what that is worth: one row per answer."""

import itertools
from typing import Any

import pytest
from solders.pubkey import Pubkey

from pixr.adapters.solana import TransportFailed
from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Absent,
    Failed,
    Finalized,
    Sighting,
    Unknown,
    Unsettled,
)
from tests.adapters.solana.scripted import (
    ABSENT,
    GENESIS,
    HEIGHT,
    LAST_VALID,
    SLOT,
    Error,
    Raw,
    Script,
    attempt,
    in_context,
    look,
    receipt,
    search,
    signed,
    solana,
    status,
    statuses,
)

SILENCE = TransportFailed("ReadTimeoutError")
SOURCE_SHORT = {"InstructionError": [1, {"Custom": 1}]}


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


def test_the_row_that_all_this_is_about_is_well_made() -> None:
    """Past expiry by the margin, as the table above assumes."""
    assert HEIGHT > LAST_VALID + EXPIRY_MARGIN_BLOCKS
