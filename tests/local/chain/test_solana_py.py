"""solana-py's own client, unchanged, against the running chain."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TxOpts
from solders.compute_budget import set_compute_unit_price
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature
from solders.transaction_status import (
    TransactionConfirmationStatus,
    TransactionErrorInstructionError,
)

from tests.local.chain.harness import SOL, Served, pay, signed


def with_client(served: Served, story: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with AsyncClient(served.process.url, commitment=Confirmed, timeout=10) as client:
            await story(client)

    asyncio.run(run())


async def fund(client: AsyncClient, lamports: int = 10 * SOL) -> Keypair:
    keypair = Keypair()
    signature = (await client.request_airdrop(keypair.pubkey(), lamports)).value
    await client.confirm_transaction(signature, Confirmed)
    assert (await client.get_balance(keypair.pubkey())).value == lamports
    return keypair


async def settled(client: AsyncClient, signature: Signature) -> Any:
    for _ in range(500):
        response = await client.get_signature_statuses([signature], search_transaction_history=True)
        status = response.value[0]
        if status is not None:
            return status
        await asyncio.sleep(0.02)
    raise AssertionError("never seen")


def test_send_confirm_and_read_back(served: Served) -> None:
    async def story(client: AsyncClient) -> None:
        alice, bob = await fund(client), Keypair().pubkey()
        latest = (await client.get_latest_blockhash()).value
        transaction = signed(alice, [pay(alice, bob, SOL)], latest.blockhash)
        options = TxOpts(skip_preflight=True, max_retries=0, preflight_commitment=Confirmed)
        signature = (await client.send_raw_transaction(bytes(transaction), options)).value
        assert signature == transaction.signatures[0]
        await client.confirm_transaction(
            signature, Finalized, last_valid_block_height=latest.last_valid_block_height
        )
        assert (await client.get_balance(bob, Finalized)).value == SOL
        status = await settled(client, signature)
        assert status.confirmation_status == TransactionConfirmationStatus.Finalized
        found = (await client.get_transaction(signature, commitment=Confirmed)).value
        assert found is not None
        meta = found.transaction.meta
        assert meta is not None
        assert (meta.fee, meta.err) == (5000, None)
        assert meta.compute_units_consumed == 150
        for encoding in ("jsonParsed", "base64", "base58"):
            again = (await client.get_transaction(signature, encoding)).value
            assert again is not None
            assert again.slot == found.slot
        listed = (await client.get_signatures_for_address(bob)).value
        assert [one.signature for one in listed] == [signature]
        block = (await client.get_block(found.slot, max_supported_transaction_version=0)).value
        assert block is not None
        assert block.block_height is not None

    with_client(served, story)


def test_a_failure_on_chain_is_in_the_status(served: Served) -> None:
    async def story(client: AsyncClient) -> None:
        alice = await fund(client, SOL)
        latest = (await client.get_latest_blockhash(Processed)).value
        transaction = signed(alice, [pay(alice, Keypair().pubkey(), 2 * SOL)], latest.blockhash)
        with pytest.raises(RPCException, match="custom program error: 0x1"):
            await client.send_transaction(transaction, TxOpts(preflight_commitment=Processed))
        options = TxOpts(skip_preflight=True)
        signature = (await client.send_transaction(transaction, options)).value
        status = await settled(client, signature)
        assert isinstance(status.err, TransactionErrorInstructionError)

    with_client(served, story)


def test_fees_and_simulation(served: Served) -> None:
    async def story(client: AsyncClient) -> None:
        alice, bob = await fund(client), Keypair().pubkey()
        latest = (await client.get_latest_blockhash(Processed)).value
        instructions = [set_compute_unit_price(1_000_000), pay(alice, bob, SOL)]
        message = MessageV0.try_compile(alice.pubkey(), instructions, [], latest.blockhash)
        fee = (await client.get_fee_for_message(message, Processed)).value
        assert fee is not None
        assert fee > 5000
        transaction = signed(alice, instructions, latest.blockhash)
        simulated = await client.simulate_transaction(
            transaction, sig_verify=True, commitment=Processed
        )
        assert simulated.value.err is None
        assert simulated.value.units_consumed == 300
        options = TxOpts(skip_preflight=True)
        signature = (await client.send_transaction(transaction, options)).value
        status = await settled(client, signature)
        fees = (await client.get_recent_prioritization_fees([bob])).value
        price_at = {fee.slot: fee.prioritization_fee for fee in fees}
        assert price_at[status.slot] == 1_000_000

    with_client(served, story)


def test_the_rest_of_the_client(served: Served) -> None:
    async def story(client: AsyncClient) -> None:
        assert await client.is_connected()
        assert (await client.get_version()).value.solana_core == "4.1.2"
        genesis = (await client.get_genesis_hash()).value
        assert genesis == (await client.get_genesis_hash()).value
        assert (await client.get_minimum_balance_for_rent_exemption(0)).value == 890_880
        assert (await client.get_first_available_block()).value == 0
        info = (await client.get_epoch_info(Processed)).value
        assert info.absolute_slot >= info.block_height
        slot = (await client.get_slot(Processed)).value
        height = (await client.get_block_height(Processed)).value
        assert slot >= height
        alice = await fund(client)
        account = (await client.get_account_info(alice.pubkey())).value
        assert account is not None
        assert account.lamports == 10 * SOL
        many = await client.get_multiple_accounts([alice.pubkey(), Keypair().pubkey()])
        assert [one is None for one in many.value] == [False, True]
        assert (await client.get_blocks(0, 3)).value

    with_client(served, story)
