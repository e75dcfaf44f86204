"""What a data directory keeps: over a restart, over kill -9, over a torn file."""

import os
import signal
from pathlib import Path

import pytest
from solders.keypair import Keypair

from pixr.local.chain import ChainDidNotStart, running_chain
from pixr.local.chain.ledger import FILE_NAME, Ledger, LedgerInUse, LedgerUnreadable
from tests.local.chain.harness import SOL, Refused, Served, Still, pay, signed

CONFIRMED = {"commitment": "confirmed"}


def test_a_restart_continues_the_chain(tmp_path: Path) -> None:
    first = Still(tmp_path)
    alice, bob = first.funded(), Keypair().pubkey()
    first.blocks(40)
    blockhash = first.blockhash()
    sent = signed(alice, [pay(alice, bob, SOL)], blockhash)
    signature = first.send(sent)
    overspend = first.send(signed(alice, [pay(alice, bob, 50 * SOL)], blockhash))
    unsent = signed(alice, [pay(alice, bob, 2 * SOL)], blockhash)
    first.blocks()
    lost = first.send(signed(alice, [pay(alice, bob, 3 * SOL)], blockhash))
    asked = ("getGenesisHash", "getFirstAvailableBlock", "getRecentPrioritizationFees")
    before = [first.call(method) for method in asked]
    height = first.height()
    balance = first.balance(alice.pubkey())
    first.close()

    second = Still(tmp_path)
    assert [second.call(method) for method in asked] == before
    assert second.height() == height
    assert second.blockhash() != blockhash
    assert second.balance(alice.pubkey()) == balance
    assert second.balance(bob, "finalized") == SOL, "what was stored cannot be undone any more"
    assert second.height("confirmed") == second.height("finalized") == height
    assert second.status(signature)["confirmationStatus"] == "finalized"
    assert second.status(overspend)["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert second.status(lost) is None, "the queue is lost, as in a validator"

    second.send(sent)
    second.send(unsent)
    second.blocks(2)
    assert second.balance(bob) == 3 * SOL, "the old hash still works, the old payment does not"
    assert second.call("getBlock", second.call("getSlot", CONFIRMED), CONFIRMED)
    second.close()


def test_a_running_chain_survives_kill_9(tmp_path: Path) -> None:
    with running_chain(slot_ms=20, data=tmp_path) as process:
        served = Served(process)
        genesis = served.call("getGenesisHash")
        alice, bob = served.funded(), Keypair().pubkey()
        signature = served.send(signed(alice, [pay(alice, bob, SOL)], served.blockhash()))
        served.wait_for_level(signature)
        height = served.height()
        os.kill(process.pid, signal.SIGKILL)

    with running_chain(slot_ms=20, data=tmp_path) as process:
        served = Served(process)
        assert served.call("getGenesisHash") == genesis
        assert served.balance(bob) == SOL
        assert served.status(signature)["confirmationStatus"] == "finalized"
        assert served.height() >= height
        again = served.send(signed(alice, [pay(alice, bob, SOL + 1)], served.blockhash()))
        served.wait_for_level(again)
        assert served.balance(bob) == 2 * SOL + 1


@pytest.mark.parametrize("lost_bytes", [1, 100, 5000, 30_000])
def test_a_torn_tail_costs_blocks_but_not_the_chain(tmp_path: Path, lost_bytes: int) -> None:
    """Cut the journal as a crash in the middle of a write would."""
    with running_chain(slot_ms=20, data=tmp_path) as process:
        served = Served(process)
        genesis = served.call("getGenesisHash")
        alice = served.funded()
        served.wait_for(lambda: served.height() > 40)
        os.kill(process.pid, signal.SIGKILL)
    journal = tmp_path / f"{FILE_NAME}-wal"
    data = journal.read_bytes()
    assert len(data) > 2 * lost_bytes
    journal.write_bytes(data[:-lost_bytes] + b"\xa5" * (lost_bytes // 2))

    torn = Still(tmp_path)
    assert torn.call("getGenesisHash") == genesis
    slots = torn.call("getBlocks", 0)
    assert len(slots) == torn.height() + 1, "every block up to the tip is there"
    money = [torn.balance(alice.pubkey()), torn.balance(torn.chain.faucet.pubkey())]
    landed = torn.chain.transaction_count
    assert money[0] == landed * 10 * SOL
    assert sum(money) + landed * 5000 == 500_000_000 * SOL
    torn.blocks(3)
    torn.close()


def test_two_chains_cannot_share_a_directory(tmp_path: Path) -> None:
    first = Still(tmp_path)
    with pytest.raises(LedgerInUse):
        Ledger(tmp_path)
    with (
        pytest.raises(ChainDidNotStart, match="another chain uses this directory"),
        running_chain(data=tmp_path),
    ):
        pass
    first.close()


@pytest.mark.parametrize("kind", ["garbage", "directory"])
def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path, kind: str) -> None:
    if kind == "garbage":
        (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1000)
    else:
        (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LedgerUnreadable):
        Ledger(tmp_path)
    with (
        pytest.raises(ChainDidNotStart, match="cannot use the data directory"),
        running_chain(data=tmp_path),
    ):
        pass


def test_without_a_directory_every_chain_is_new() -> None:
    first, second = Still(), Still()
    assert first.call("getGenesisHash") != second.call("getGenesisHash")
    alice = first.funded()
    with pytest.raises(Refused, match="Blockhash not found"):
        second.send(
            signed(alice, [pay(alice, Keypair().pubkey(), SOL)], first.blockhash()),
            skipPreflight=False,
        )
    first.close()
    second.close()
