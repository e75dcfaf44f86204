"""The shapes of answers and the words of refusals, field by field."""

import base64
from typing import Any

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.signature import Signature

from tests.contract.payments import MEMO, Batch, pay
from tests.contract.sides import (
    FINALITY_BLOCKS,
    FINALIZED,
    RENT,
    SOL,
    Side,
    as_base64,
    signed,
)

BASE64 = {"encoding": "base64"}
SYSTEM = "11111111111111111111111111111111"
NOBODY_SIGNED = str(Signature.default())


def funded(side: Side, lamports: int = 10 * SOL) -> Keypair:
    treasury = Keypair()
    side.fund({treasury: lamports})
    return treasury


def test_an_account_has_these_fields(side: Side) -> None:
    treasury, nobody = funded(side), Keypair().pubkey()
    addresses = [str(treasury.pubkey()), str(nobody)]
    many = side.call("getMultipleAccounts", addresses, FINALIZED | BASE64)
    assert many["context"].keys() == {"slot", "apiVersion"}
    account = {
        "lamports": 10 * SOL,
        "data": ["", "base64"],
        "owner": SYSTEM,
        "executable": False,
        "rentEpoch": many["value"][0]["rentEpoch"],
        "space": 0,
    }
    assert many["value"] == [account, None]
    assert side.value("getAccountInfo", addresses[0], FINALIZED | BASE64) == account
    assert side.value("getAccountInfo", addresses[1], FINALIZED | BASE64) is None
    assert side.value("getAccountInfo", addresses[0], FINALIZED) == account | {"data": ""}


def test_data_can_be_left_on_the_node(side: Side) -> None:
    program = side.program()
    side.blocks(FINALITY_BLOCKS)
    nothing = {"dataSlice": {"offset": 0, "length": 0}}
    cut = side.value("getAccountInfo", program, FINALIZED | BASE64 | nothing)
    assert (cut["data"], cut["space"]) == (["", "base64"], 36)
    whole = side.value("getAccountInfo", program, FINALIZED | BASE64)
    assert len(base64.b64decode(whole["data"][0])) == 36
    part = {"dataSlice": {"offset": 30, "length": 100}}
    [some] = side.value("getMultipleAccounts", [program], FINALIZED | BASE64 | part)
    assert some["data"][0] == base64.b64encode(base64.b64decode(whole["data"][0])[30:]).decode()


def test_statuses_keep_their_order_and_are_null_when_unknown(side: Side) -> None:
    treasury = funded(side)
    sent = []
    for number in range(3):
        instruction = pay(treasury, Keypair().pubkey(), SOL + number)
        sent.append(side.send(signed([instruction], side.blockhash(), treasury)))
        side.blocks(2)
    side.blocks(FINALITY_BLOCKS)
    unknown = str(Signature.new_unique())
    asked = [sent[2], unknown, sent[0], sent[2]]
    statuses = side.value("getSignatureStatuses", asked, {"searchTransactionHistory": True})
    assert [status is None for status in statuses] == [False, True, False, False]
    assert statuses[0] == statuses[3]
    assert statuses[0].keys() == {
        "slot",
        "confirmations",
        "status",
        "err",
        "confirmationStatus",
    }
    assert statuses[2]["slot"] < statuses[0]["slot"]


def test_an_address_lists_its_transactions_newest_first(side: Side) -> None:
    treasury, payee = funded(side), Keypair().pubkey()
    sent = []
    for number in range(5):
        overspends = number == 3
        instruction = pay(treasury, payee, 20 * SOL if overspends else SOL + number)
        sent.append(side.send(signed([instruction], side.blockhash(), treasury)))
        side.blocks(2)
    side.blocks(FINALITY_BLOCKS)
    newest_first = sent[::-1]

    def listed(**config: Any) -> list[str]:
        answer = side.call("getSignaturesForAddress", str(payee), FINALIZED | config)
        return [item["signature"] for item in answer]

    assert listed() == newest_first
    assert listed(limit=2) == newest_first[:2]
    assert listed(before=newest_first[1]) == newest_first[2:]
    assert listed(until=newest_first[3]) == newest_first[:3]
    assert listed(before=newest_first[0], until=newest_first[4], limit=2) == newest_first[1:3]
    assert listed(before=NOBODY_SIGNED) == []
    assert listed(until=NOBODY_SIGNED) == newest_first
    of_treasury = side.call("getSignaturesForAddress", str(treasury.pubkey()), FINALIZED)
    assert [item["signature"] for item in of_treasury][:5] == newest_first
    assert len(of_treasury) == 6, "the airdrop is a transaction too"
    failed = of_treasury[1]
    assert failed["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert failed.keys() == {
        "signature",
        "slot",
        "err",
        "memo",
        "blockTime",
        "confirmationStatus",
    }
    assert side.call("getSignaturesForAddress", str(Keypair().pubkey()), FINALIZED) == []


def test_a_listed_batch_shows_its_memo(side: Side) -> None:
    treasury = funded(side)
    batch = Batch(treasury=treasury, transfers=[(Keypair().pubkey(), SOL)])
    side.land(batch.attempt(side.blockhash()))
    [listed] = side.call("getSignaturesForAddress", str(batch.receipt), FINALIZED)
    assert listed["memo"] == f"[44] {MEMO}"
    assert (listed["err"], listed["confirmationStatus"]) == (None, "finalized")


def test_a_transaction_is_told_with_all_that_it_did(side: Side) -> None:
    treasury, payee = funded(side), Keypair().pubkey()
    batch = Batch(treasury=treasury, transfers=[(payee, SOL)])
    transaction = batch.attempt(side.blockhash())
    status = side.land(transaction)
    signature = str(transaction.signatures[0])
    settings = FINALIZED | {"maxSupportedTransactionVersion": 0}
    told = side.call("getTransaction", signature, settings | BASE64)
    assert told["transaction"] == [as_base64(transaction), "base64"]
    assert (told["slot"], told["version"]) == (status["slot"], "legacy")
    meta = told["meta"]
    keys = list(transaction.message.account_keys)
    assert meta["err"] is None
    assert meta["status"] == {"Ok": None}
    assert meta["fee"] == batch.fee_lamports
    assert meta["computeUnitsConsumed"] == 4 * 150 + 287
    assert meta["loadedAddresses"] == {"writable": [], "readonly": []}
    assert meta["innerInstructions"] == []
    change = dict(
        zip(
            keys,
            [
                after - before
                for before, after in zip(meta["preBalances"], meta["postBalances"], strict=True)
            ],
            strict=True,
        )
    )
    moved = {key: lamports for key, lamports in change.items() if lamports}
    assert moved == {
        treasury.pubkey(): -SOL - RENT - batch.fee_lamports,
        payee: SOL,
        batch.receipt: RENT,
    }
    plain = side.call("getTransaction", signature, settings | {"encoding": "json"})
    message = plain["transaction"]["message"]
    assert plain["transaction"]["signatures"] == [signature]
    assert message["accountKeys"] == [str(key) for key in keys]
    assert message["recentBlockhash"] == str(transaction.message.recent_blockhash)
    assert message["header"] == {
        "numRequiredSignatures": 1,
        "numReadonlySignedAccounts": 0,
        "numReadonlyUnsignedAccounts": 3,
    }
    assert [item["programIdIndex"] for item in message["instructions"]] == [
        instruction.program_id_index for instruction in transaction.message.instructions
    ]
    assert side.call("getTransaction", NOBODY_SIGNED, settings | BASE64) is None


def test_a_failed_transaction_is_told_too(side: Side) -> None:
    treasury, payee = funded(side, SOL), Keypair().pubkey()
    transaction = signed([pay(treasury, payee, 2 * SOL)], side.blockhash(), treasury)
    side.land(transaction)
    settings = FINALIZED | BASE64 | {"maxSupportedTransactionVersion": 0}
    meta = side.call("getTransaction", str(transaction.signatures[0]), settings)["meta"]
    assert meta["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert meta["status"] == {"Err": meta["err"]}
    assert (meta["preBalances"], meta["postBalances"]) == ([SOL, 0, 1], [SOL - 5_000, 0, 1])


def simulated(side: Side, wire: str, **config: Any) -> dict[str, Any]:
    settings = BASE64 | {"commitment": "confirmed", "sigVerify": False} | config
    value: dict[str, Any] = side.value("simulateTransaction", wire, settings)
    return value


def test_a_rehearsal_says_how_it_would_end_and_keeps_nothing(side: Side) -> None:
    treasury, payee = funded(side), Keypair().pubkey()
    good = Batch(treasury=treasury, transfers=[(payee, SOL)]).attempt(Hash.default())
    told = simulated(side, as_base64(good), replaceRecentBlockhash=True)
    assert (told["err"], told["unitsConsumed"]) == (None, 887)
    assert told["replacementBlockhash"].keys() == {"blockhash", "lastValidBlockHeight"}
    assert told["fee"] == 5_001
    assert told["postBalances"][0] == 9 * SOL - RENT - 5_001
    dust = Batch(treasury=treasury, transfers=[(payee, 1)]).attempt(Hash.default())
    index = list(dust.message.account_keys).index(payee)
    told = simulated(side, as_base64(dust), replaceRecentBlockhash=True)
    assert told["err"] == {"InsufficientFundsForRent": {"account_index": index}}
    greedy = Batch(treasury=treasury, transfers=[(payee, 11 * SOL)]).attempt(Hash.default())
    told = simulated(side, as_base64(greedy), replaceRecentBlockhash=True)
    assert told["err"] == {"InstructionError": [4, {"Custom": 1}]}
    assert simulated(side, as_base64(greedy))["err"] == "BlockhashNotFound"
    assert side.balance(treasury.pubkey()) == 10 * SOL
    assert told.keys() >= {"err", "logs", "unitsConsumed", "returnData", "accounts"}


def test_a_rehearsal_without_a_payer_or_after_the_payment_says_so(side: Side) -> None:
    stranger = Keypair()
    batch = Batch(treasury=stranger, transfers=[(Keypair().pubkey(), SOL)])
    told = simulated(side, as_base64(batch.attempt(Hash.default())), replaceRecentBlockhash=True)
    assert told["err"] == "AccountNotFound"
    side.fund({stranger: 10 * SOL})
    transaction = batch.attempt(side.blockhash())
    side.send(transaction)
    side.blocks(3)
    assert simulated(side, as_base64(transaction))["err"] == "AlreadyProcessed"
    told = simulated(side, as_base64(transaction), replaceRecentBlockhash=True)
    assert told["err"] == {"InstructionError": [2, {"Custom": 0}]}


def test_preflight_refuses_with_code_and_data(side: Side) -> None:
    treasury, payee = funded(side, SOL), Keypair().pubkey()
    greedy = signed([pay(treasury, payee, 2 * SOL)], side.blockhash(), treasury)
    settings = BASE64 | {"preflightCommitment": "processed"}
    error = side.refusal("sendTransaction", as_base64(greedy), settings)
    assert (error["code"], error["message"]) == (
        -32002,
        "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1",
    )
    assert error["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert error["data"]["unitsConsumed"] == 150
    forged = type(greedy).populate(greedy.message, [Signature.new_unique()])
    error = side.refusal("sendTransaction", as_base64(forged), settings)
    assert error == {"code": -32003, "message": "Transaction signature verification failure"}


def test_recent_fees_have_one_entry_for_each_block(side: Side) -> None:
    side.blocks(200)
    fees = side.call("getRecentPrioritizationFees", [str(Keypair().pubkey())])
    assert len(fees) == 150
    assert fees[0].keys() == {"slot", "prioritizationFee"}
    slots = [fee["slot"] for fee in fees]
    assert slots == sorted(set(slots))


def test_a_node_names_its_chain_and_has_all_of_it(side: Side) -> None:
    name = side.call("getGenesisHash")
    assert str(Hash.from_string(name)) == name
    side.blocks(1)
    assert side.call("getGenesisHash") == name
    assert side.call("getFirstAvailableBlock") == 0
    assert side.call("getHealth") == "ok"
    latest = side.call("getLatestBlockhash", FINALIZED)
    assert latest.keys() == {"context", "value"}
    assert latest["value"].keys() == {"blockhash", "lastValidBlockHeight"}


WIRE = as_base64(signed([], Hash.default(), Keypair.from_seed(bytes(32))))
"""A transaction that does nothing, to be damaged."""
REFUSED: list[tuple[str, list[Any]]] = [
    ("noSuchMethod", []),
    ("sendTransaction", []),
    ("sendTransaction", [7]),
    ("sendTransaction", ["", BASE64]),
    ("sendTransaction", ["!", BASE64]),
    ("sendTransaction", ["AAAA", BASE64]),
    ("sendTransaction", [WIRE[:-8], BASE64]),
    ("sendTransaction", [WIRE, {"encoding": "morse"}]),
    ("sendTransaction", ["A" * 1_648, BASE64]),
    ("sendTransaction", [base64.b64encode(bytes(1_233)).decode(), BASE64]),
    ("simulateTransaction", [WIRE, BASE64 | {"sigVerify": True, "replaceRecentBlockhash": True}]),
    ("simulateTransaction", ["AAAA", BASE64]),
    ("getSignatureStatuses", [[NOBODY_SIGNED] * 257]),
    ("getSignatureStatuses", [["nonsense"]]),
    ("getSignatureStatuses", ["nonsense"]),
    ("getMultipleAccounts", [[SYSTEM] * 101]),
    ("getMultipleAccounts", [["nonsense"]]),
    ("getAccountInfo", ["nonsense"]),
    ("getAccountInfo", [SYSTEM, {"encoding": "morse"}]),
    ("getAccountInfo", [SYSTEM, {"minContextSlot": "soon"}]),
    ("getBlockHeight", [{"commitment": "hoped for"}]),
    ("getSignaturesForAddress", [SYSTEM, {"limit": 0}]),
    ("getSignaturesForAddress", [SYSTEM, {"limit": 1_001}]),
    ("getSignaturesForAddress", [SYSTEM, {"commitment": "processed"}]),
    ("getSignaturesForAddress", [SYSTEM, {"until": "nonsense"}]),
    ("getTransaction", ["nonsense"]),
    ("getTransaction", [NOBODY_SIGNED, {"commitment": "processed"}]),
    ("getRecentPrioritizationFees", [[SYSTEM] * 129]),
]


@pytest.fixture(scope="session")
def refusals() -> dict[str, Any]:
    """What the first side that was asked said."""
    return {}


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_nonsense_is_refused_in_the_same_words(
    side: Side, number: int, refusals: dict[str, Any]
) -> None:
    method, params = REFUSED[number]
    error = side.refusal(method, *params)
    assert error == refusals.setdefault(f"{number}", error)


def test_a_slot_that_is_not_reached_is_refused(side: Side) -> None:
    side.blocks(1)
    now = side.call("getSlot", FINALIZED)
    for method, first in (
        ("getAccountInfo", [SYSTEM]),
        ("getMultipleAccounts", [[SYSTEM]]),
        ("getBlockHeight", []),
        ("getLatestBlockhash", []),
        ("getEpochInfo", []),
        ("getSignaturesForAddress", [SYSTEM]),
    ):
        error = side.refusal(method, *first, FINALIZED | {"minContextSlot": now + 10_000})
        assert error["code"] == -32016, method
        assert error["message"] == "Minimum context slot has not been reached"
        assert error["data"]["contextSlot"] >= now
        side.call(method, *first, FINALIZED | {"minContextSlot": now})
