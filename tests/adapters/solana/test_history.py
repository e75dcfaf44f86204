"""Lists of signatures and whole transactions, from nodes that may repeat or make things up."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message, MessageAddressTableLookup, MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import (
    ChainUnreachable,
    HistoryForgotten,
    HistoryTooLong,
    SignatureRecord,
    TransactionView,
    TransportFailed,
)
from tests.adapters.solana.scripted import (
    Error,
    Raw,
    Script,
    fresh_signature,
    listing,
    solana,
    transaction_json,
)

ADDRESS = str(Pubkey.new_unique())
SILENCE = TransportFailed("ReadTimeoutError")


def payment(to: Pubkey | None = None) -> VersionedTransaction:
    payer = Keypair()
    target = to or Pubkey.new_unique()
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=target, lamports=100))
    message = Message.new_with_blockhash([pay], payer.pubkey(), Hash.default())
    return VersionedTransaction(message, [payer])


# ── lists ────────────────────────────────────────────────────────────────────


class Book:
    """A node's list of what mentions an address, newest first."""

    def __init__(self, length: int) -> None:
        self.signatures = [fresh_signature() for _ in range(length)]
        self.page = listing(
            [
                {"signature": name, "slot": length - number, "err": None}
                for number, name in enumerate(self.signatures)
            ]
        )


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixr.adapters.solana.history.SIGNATURES_PER_PAGE", 3)
    monkeypatch.setattr("pixr.adapters.solana.history.PAGES_MAX", 4)


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 6, 11])
def test_pages_are_joined_oldest_first(length: int) -> None:
    book = Book(length)
    script = Script(getSignaturesForAddress=book.page)
    records = solana(script).signatures(ADDRESS, until=None)
    assert [record.signature for record in records] == book.signatures[::-1]
    assert [record.slot for record in records] == sorted(record.slot for record in records)


@pytest.mark.usefixtures("short_pages")
def test_a_walk_ends_at_what_is_known() -> None:
    book = Book(9)
    script = Script(getSignaturesForAddress=book.page)
    records = solana(script).signatures(ADDRESS, until=book.signatures[5])
    assert [record.signature for record in records] == book.signatures[:5][::-1]


@pytest.mark.usefixtures("short_pages")
def test_more_than_a_walk_may_list_is_a_flood() -> None:
    script = Script(getSignaturesForAddress=Book(12).page)
    with pytest.raises(HistoryTooLong):
        solana(script).signatures(ADDRESS, until=None)


@pytest.mark.usefixtures("short_pages")
def test_a_list_that_does_not_join_on_to_the_last_walk_has_a_hole() -> None:
    """The node lost its past, or lags, or gave half of a page: a deposit could be skipped."""
    script = Script(getSignaturesForAddress=Book(2).page)
    with pytest.raises(HistoryForgotten, match="has a hole"):
        solana(script).signatures(ADDRESS, until=fresh_signature())
    halved = Book(5)
    script.answers["getSignaturesForAddress"] = lambda address, options: halved.page(
        address, options | {"limit": max(1, options["limit"] // 2)}
    )
    with pytest.raises(HistoryForgotten, match="has a hole"):
        solana(script).signatures(ADDRESS, until=None)


def same_page(book: Book) -> Callable[..., Any]:
    return lambda address, options: book.page(address, {"limit": options["limit"]})


def younger_page(book: Book) -> Callable[..., Any]:
    def page(address: str, options: dict[str, Any]) -> Any:
        if "before" not in options:
            return book.page(address, options)
        return [{"signature": fresh_signature(), "slot": 10**6, "err": None}] * 1

    return page


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("pages", [same_page, younger_page])
def test_pages_that_do_not_get_older_end_the_walk(pages: Callable[[Book], Any]) -> None:
    script = Script(getSignaturesForAddress=pages(Book(9)))
    with pytest.raises(ChainUnreachable, match="does not get older"):
        solana(script).signatures(ADDRESS, until=None)
    assert script.count("getSignaturesForAddress") == 2


@pytest.mark.usefixtures("short_pages")
def test_a_walk_is_of_one_node() -> None:
    """The second node may never have heard of the first one's last signature."""
    book, other = Book(9), Book(4)
    fails_late = Script("http://a")
    fails_late.once["getSignaturesForAddress"] = [book.page, Raw(b"<html>")]
    good = Script("http://b", getSignaturesForAddress=other.page)
    records = solana(fails_late, good).signatures(ADDRESS, until=None)
    assert [record.signature for record in records] == other.signatures[::-1]


# ── the lists of all nodes ───────────────────────────────────────────────────


def names(found: Sequence[SignatureRecord]) -> list[str]:
    return [record.signature for record in found]


def test_a_node_that_lags_hides_nothing_that_another_lists() -> None:
    """The first one that answers would have been believed, and the others never asked."""
    book = Book(6)
    behind = Book(0)
    behind.page = listing(
        [
            {"signature": name, "slot": 6 - number, "err": None}
            for number, name in enumerate(book.signatures)
        ][4:]
    )
    nodes = solana(
        Script("http://a", getSignaturesForAddress=behind.page),
        Script("http://b", getSignaturesForAddress=SILENCE),
        Script("http://c", getSignaturesForAddress=book.page),
    )
    found = nodes.listing(ADDRESS, until=None, pages_max=20)
    assert names(found.records) == book.signatures[::-1]
    assert (found.strays, found.gap) == ((), None)


@pytest.mark.usefixtures("short_pages")
def test_a_list_with_a_gap_still_tells_what_is_on_it() -> None:
    book = Book(7)
    forgot = Script("http://a", getSignaturesForAddress=Book(2).page)
    flooded = Script("http://b", getSignaturesForAddress=book.page)
    found = solana(flooded).listing(ADDRESS, until=None, pages_max=2)
    assert names(found.strays) == book.signatures[:6]
    assert found.records == ()
    assert found.gap == f"{ADDRESS} has more than 6 unseen transactions"
    found = solana(forgot).listing(ADDRESS, until=fresh_signature(), pages_max=2)
    assert len(found.strays) == 2
    assert found.gap is not None
    assert found.gap.startswith("a: getSignaturesForAddress: the past of")


@pytest.mark.usefixtures("short_pages")
def test_what_only_a_forgetful_node_lists_stands_beside_the_others() -> None:
    book, other = Book(4), Book(2)
    found = solana(
        Script("http://a", getSignaturesForAddress=other.page),
        Script("http://b", getSignaturesForAddress=book.page),
    ).listing(ADDRESS, until=book.signatures[2], pages_max=4)
    assert names(found.records) == book.signatures[:2][::-1]
    assert sorted(names(found.strays)) == sorted(other.signatures)
    assert found.gap is None


def test_nobody_who_lists_anything_is_an_outage() -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getSignaturesForAddress=SILENCE)).listing(ADDRESS, until=None, pages_max=4)


RECORD = {"signature": fresh_signature(), "slot": 5, "err": None}


@pytest.mark.parametrize(
    "page",
    [
        SILENCE,
        None,
        {},
        "none",
        [None],
        [{}],
        [RECORD | {"slot": None}],
        [RECORD | {"slot": "5"}],
        [RECORD | {"signature": "abc"}],
        [RECORD | {"signature": None}],
        [{"signature": fresh_signature(), "slot": 5}],
        [RECORD, RECORD],
        Error({"code": -32005}),
    ],
)
def test_a_list_that_is_none(page: Any) -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getSignaturesForAddress=page)).signatures(ADDRESS, until=None)


def test_a_failure_is_listed_as_one() -> None:
    script = Script(getSignaturesForAddress=listing([RECORD | {"err": "AccountNotFound"}]))
    (record,) = solana(script).signatures(ADDRESS, until=None)
    assert record == SignatureRecord(signature=str(RECORD["signature"]), slot=5, is_failed=True)


# ── transactions ─────────────────────────────────────────────────────────────


def test_a_transaction_comes_with_who_paid_and_what_changed() -> None:
    target = Pubkey.new_unique()
    sent = payment(target)
    signature = str(sent.signatures[0])
    payer, *_ = sent.message.account_keys
    found = solana(Script(getTransaction=transaction_json(sent))).transaction(signature)
    assert found == TransactionView(
        signature=signature,
        slot=5,
        error=None,
        fee_lamports=5_000,
        raw=bytes(sent),
        accounts=(str(payer), str(target), "1" * 32),
        changes={str(payer): -1, str(target): 0, "1" * 32: 1},
    )


def test_a_failed_transaction_comes_with_its_error() -> None:
    sent = payment()
    err = {"InstructionError": [0, {"Custom": 1}]}
    found = solana(Script(getTransaction=transaction_json(sent, err=err))).transaction(
        str(sent.signatures[0])
    )
    assert found is not None
    assert found.error == '{"InstructionError": [0, {"Custom": 1}]}'


def test_what_lookup_tables_add_comes_after_the_messages_own_keys() -> None:
    payer, table, added = Keypair(), Pubkey.new_unique(), Pubkey.new_unique()
    message = MessageV0(
        MessageHeader(1, 0, 0),
        [payer.pubkey()],
        Hash.default(),
        [],
        [MessageAddressTableLookup(table, bytes([0]), bytes([1]))],
    )
    sent = VersionedTransaction(message, [payer])
    readonly = str(Pubkey.new_unique())
    answer = transaction_json(
        sent,
        preBalances=[10, 20, 30],
        postBalances=[5, 25, 30],
        loadedAddresses={"writable": [str(added)], "readonly": [readonly]},
    )
    found = solana(Script(getTransaction=answer)).transaction(str(sent.signatures[0]))
    assert found is not None
    assert found.accounts == (str(payer.pubkey()), str(added), readonly)
    assert found.changes == {str(payer.pubkey()): -5, str(added): 5, readonly: 0}


SENT = payment()
GOOD = transaction_json(SENT)


@pytest.mark.parametrize(
    "answer",
    [
        transaction_json(payment()),
        GOOD | {"transaction": ["", "base64"]},
        GOOD | {"transaction": ["AAAA", "base64"]},
        GOOD | {"transaction": ["!!!!", "base64"]},
        GOOD | {"transaction": ["AAAA", "base58"]},
        GOOD | {"transaction": {"message": {}}},
        GOOD | {"transaction": None},
        GOOD | {"meta": None},
        GOOD | {"slot": None},
        {"slot": 5},
        transaction_json(SENT, preBalances=[1]),
        transaction_json(SENT, postBalances=[1, 2, 3.5]),
        transaction_json(SENT, fee=None),
        transaction_json(SENT, fee=-1),
        5,
        "x",
        [],
        Error({"code": -32015, "message": "Transaction version (1) is not supported"}),
        SILENCE,
    ],
)
def test_an_answer_about_something_else_is_none(answer: Any) -> None:
    signature = str(SENT.signatures[0])
    with pytest.raises(ChainUnreachable):
        solana(Script(getTransaction=answer)).transaction(signature)


def test_one_node_that_has_it_beats_any_that_do_not() -> None:
    signature = str(SENT.signatures[0])
    scripts = [
        Script("http://a"),
        Script("http://b", getTransaction=SILENCE),
        Script("http://c", getTransaction=GOOD),
    ]
    found = solana(*scripts).transaction(signature)
    assert found is not None
    assert found.signature == signature
    assert solana(*scripts[:2]).transaction(signature) is None


def test_a_change_of_a_transaction_that_cannot_be_read_is_an_outage() -> None:
    with pytest.raises(ChainUnreachable, match="cannot be read yet"):
        solana(Script()).balance_change(str(SENT.signatures[0]), ADDRESS)
