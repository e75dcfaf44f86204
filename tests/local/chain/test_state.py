"""Reading the present: commitment levels, blockhashes, accounts, prices."""

import base64

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.keypair import Keypair

from tests.local.chain.harness import RENT_EXEMPT, SOL, Refused, Still, pay, signed

SYSTEM = "1" * 32


def test_each_level_lags_by_its_depth(still: Still) -> None:
    still.blocks(50)
    heights = {level: still.height(level) for level in ("processed", "confirmed", "finalized")}
    assert heights == {"processed": 50, "confirmed": 49, "finalized": 19}
    assert still.call("getBlockHeight") == 19


def test_no_level_is_below_the_first_block(still: Still) -> None:
    still.blocks(3)
    assert still.height("finalized") == 0


def test_slots_run_ahead_of_heights_because_some_are_skipped(still: Still) -> None:
    still.blocks(100)
    slot = still.call("getSlot", {"commitment": "processed"})
    assert slot == 105
    assert still.call("getBlocks", 18, 22) == [18, 19, 21, 22]


def test_a_balance_is_read_at_its_level(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    still.send(signed(alice, [pay(alice, bob, SOL)], still.blockhash()))
    assert still.balance(bob) == 0, "accepted is not yet seen"
    still.blocks()
    assert (still.balance(bob), still.balance(bob, "confirmed")) == (SOL, 0)
    still.blocks()
    assert (still.balance(bob, "confirmed"), still.balance(bob, "finalized")) == (SOL, 0)
    still.blocks(29)
    assert still.balance(bob, "finalized") == 0
    still.blocks()
    assert still.balance(bob, "finalized") == SOL


def test_each_block_of_the_last_31_can_be_read(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    for number in range(1, 40):
        still.send(signed(alice, [pay(alice, bob, RENT_EXEMPT + number)], still.blockhash()))
        still.blocks()
    finalized = sum(RENT_EXEMPT + number for number in range(1, 40 - 31))
    assert still.balance(bob, "finalized") == finalized
    assert still.balance(bob, "confirmed") == sum(RENT_EXEMPT + number for number in range(1, 39))


def test_two_payments_in_one_block_are_undone_together(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    for lamports in (SOL, 2 * SOL):
        still.send(signed(alice, [pay(alice, bob, lamports)], still.blockhash()))
    still.blocks()
    assert still.balance(bob) == 3 * SOL
    assert still.balance(bob, "confirmed") == 0
    assert still.balance(alice.pubkey(), "confirmed") == 10 * SOL


def test_a_closed_account_is_gone_at_once_but_finalized_later(still: Still) -> None:
    alice = still.funded()
    still.blocks(40)
    everything = still.balance(alice.pubkey()) - 5000
    to = Keypair().pubkey()
    still.send(signed(alice, [pay(alice, to, everything)], still.blockhash()))
    still.blocks()
    address = str(alice.pubkey())
    assert still.value("getAccountInfo", address, {"commitment": "processed"}) is None
    assert still.value("getAccountInfo", address)["lamports"] == everything + 5000


def test_a_level_that_is_too_old_for_the_caller_is_refused(still: Still) -> None:
    still.blocks(40)
    tip = still.call("getSlot", {"commitment": "processed"})
    settings = {"commitment": "processed", "minContextSlot": tip}
    assert still.call("getBalance", SYSTEM, settings)["context"]["slot"] == tip
    with pytest.raises(Refused) as refused:
        still.call("getBalance", SYSTEM, {"minContextSlot": tip})
    assert refused.value.code == -32016
    assert refused.value.data == {"contextSlot": still.call("getSlot")}


def test_accounts_have_agaves_shape(still: Still) -> None:
    alice = still.funded(2 * SOL)
    settings = {"commitment": "processed", "encoding": "base64"}
    answer = still.call("getAccountInfo", str(alice.pubkey()), settings)
    assert answer["context"] == {"slot": 1, "apiVersion": "4.1.2"}
    assert answer["value"] == {
        "lamports": 2 * SOL,
        "data": ["", "base64"],
        "owner": SYSTEM,
        "executable": False,
        "rentEpoch": 0,
        "space": 0,
    }
    assert still.value("getAccountInfo", str(Keypair().pubkey())) is None
    bare = still.value("getAccountInfo", str(alice.pubkey()), {"commitment": "processed"})
    assert bare["data"] == ""


def test_many_accounts_come_from_one_slot(still: Still) -> None:
    alice = still.funded(2 * SOL)
    wsol = "So11111111111111111111111111111111111111112"
    addresses = [str(alice.pubkey()), str(Keypair().pubkey()), wsol]
    settings = {"commitment": "processed", "dataSlice": {"offset": 44, "length": 2}}
    one, none, mint = still.value("getMultipleAccounts", addresses, settings)
    assert (one["lamports"], none) == (2 * SOL, None)
    assert base64.b64decode(mint["data"][0]) == bytes([9, 1])  # decimals, initialized
    assert mint["space"] == 82


def test_base58_is_for_short_data_only(still: Still) -> None:
    token_program = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
    slot_hashes = "SysvarS1otHashes111111111111111111111111111"
    with pytest.raises(Refused) as refused:
        still.call("getAccountInfo", slot_hashes, {"encoding": "base58"})
    assert refused.value.code == -32600
    assert still.value("getAccountInfo", token_program, {"encoding": "base58"})["executable"]


def test_the_rent_floor_is_mainnets(still: Still) -> None:
    assert still.call("getMinimumBalanceForRentExemption", 0) == 890_880
    assert still.call("getMinimumBalanceForRentExemption", 165) == 2_039_280


def test_epoch_info_agrees_with_the_rest(still: Still) -> None:
    still.funded()
    still.blocks(40)
    info = still.call("getEpochInfo", {"commitment": "processed"})
    assert info == {
        "absoluteSlot": still.call("getSlot", {"commitment": "processed"}),
        "blockHeight": 41,
        "epoch": 0,
        "slotIndex": 43,
        "slotsInEpoch": 432_000,
        "transactionCount": 1,
    }
    assert still.call("getVersion")["solana-core"] == "4.1.2"


def test_a_message_is_priced_while_its_blockhash_lives(still: Still) -> None:
    alice = Keypair()
    instructions = [
        set_compute_unit_limit(200_000),
        set_compute_unit_price(10_000),
        pay(alice, Keypair().pubkey(), SOL),
    ]
    message = signed(alice, instructions, still.blockhash()).message
    wire = base64.b64encode(b"" + bytes(message)).decode()
    assert still.value("getFeeForMessage", wire, {"commitment": "processed"}) == 7000
    still.blocks(151)
    assert still.value("getFeeForMessage", wire, {"commitment": "processed"}) is None


def test_prices_are_the_cheapest_bid_per_written_account(still: Still) -> None:
    alice, bob, carol = still.funded(), still.funded(), Keypair().pubkey()
    for payer, price in ((alice, 500), (bob, 20), (bob, 30)):
        instructions = [set_compute_unit_price(price), pay(payer, carol, SOL)]
        still.send(signed(payer, instructions, still.blockhash()))
    still.blocks()
    tip = still.call("getSlot", {"commitment": "processed"})

    def price_for(*addresses: object) -> int:
        fees = still.call("getRecentPrioritizationFees", [str(one) for one in addresses])
        assert fees[-1]["slot"] == tip
        return int(fees[-1]["prioritizationFee"])

    assert price_for() == 20
    assert price_for(alice.pubkey()) == 500
    assert price_for(bob.pubkey()) == 20
    assert price_for(bob.pubkey(), alice.pubkey()) == 500
    assert price_for(carol) == 20
    assert price_for(Keypair().pubkey()) == 20
    still.blocks(200)
    fees = still.call("getRecentPrioritizationFees")
    assert len(fees) == 150
    assert {fee["prioritizationFee"] for fee in fees} == {0}
