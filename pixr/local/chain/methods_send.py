"""RPC methods that take transactions: send, simulate, airdrop.

Source:
    https://solana.com/docs/rpc/http/sendtransaction
    https://github.com/anza-xyz/agave/blob/master/rpc/src/rpc.rs
"""

from itertools import count
from typing import Any

from solders.instruction import Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.local.chain.encoding import account_json
from pixr.local.chain.errors import (
    INTERNAL_ERROR,
    NODE_UNHEALTHY,
    PREFLIGHT_FAILURE,
    RpcError,
    describe,
    invalid_params,
    signature_failure,
)
from pixr.local.chain.ledger import Block
from pixr.local.chain.node import Node, in_context
from pixr.local.chain.params import Config, Params, pubkey
from pixr.local.chain.runtime import Outcome
from pixr.local.chain.wire import WireTransaction, decode_transaction, from_transaction

MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")

_airdrop_numbers = count(1)


def send_transaction(node: Node, params: Params) -> str:
    """Take a transaction for the next block and give its signature.

    Unless ``skipPreflight``, its signatures are checked and it is simulated on
    the state at ``preflightCommitment``. Taking it is no promise: it may still
    fail or never land.
    """
    config = params.config(1)
    transaction = _transaction(node, params, config)
    skips_preflight = config.flag("skipPreflight")
    commitment = config.commitment_named("preflightCommitment")
    block = node.bank(config, "processed" if skips_preflight else commitment)
    if not skips_preflight:
        _preflight(node, transaction, block)
    if not node.faults.drop_sends:
        node.chain.submit(transaction)
    if node.faults.error_after_accept:
        raise RpcError(NODE_UNHEALTHY, "Node is unhealthy")
    return str(transaction.signature)


def simulate_transaction(node: Node, params: Params) -> dict[str, Any]:
    """Run a transaction on the state at the asked commitment and keep nothing."""
    config = params.config(1)
    transaction = _transaction(node, params, config)
    verifies = config.flag("sigVerify")
    replaces = config.flag("replaceRecentBlockhash")
    if verifies and replaces:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    if verifies and transaction.verified_message_hash() is None:
        raise signature_failure()
    block = node.bank(config)
    message_hash = str(transaction.message.hash())
    outcome = node.chain.simulate(transaction, block, message_hash, replaces_blockhash=replaces)
    replacement = {
        "blockhash": block.blockhash,
        "lastValidBlockHeight": block.last_valid_height,
    }
    return in_context(
        block,
        _simulation_json(outcome)
        | {
            "accounts": _accounts_after(node, config, block, outcome),
            "replacementBlockhash": replacement if replaces else None,
        }
        | ({} if config.flag("innerInstructions") else {"innerInstructions": None}),
    )


def _transaction(node: Node, params: Params, config: Config) -> WireTransaction:
    encoding = config.text("encoding", "base58")
    return decode_transaction(params.text(0), encoding, takes_v1=node.chain.takes_v1)


def request_airdrop(node: Node, params: Params) -> str:
    """Send SOL from the faucet in an ordinary transaction."""
    address, lamports = params.address(0), params.integer(1)
    chain = node.chain
    faucet = chain.faucet
    if lamports >= chain.runtime.lamports(faucet.pubkey()):
        raise RpcError(INTERNAL_ERROR, "Internal error")
    # The number keeps two equal airdrops in one slot from being one transaction.
    memo = Instruction(MEMO_PROGRAM, f"airdrop {next(_airdrop_numbers)}".encode(), [])
    pay = transfer(
        TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=address, lamports=lamports)
    )
    message = Message.new_with_blockhash([pay, memo], faucet.pubkey(), chain.tip_blockhash())
    signed = VersionedTransaction(message, [faucet])
    transaction = from_transaction(signed, bytes(signed))
    if not node.faults.drop_sends:
        chain.submit(transaction)
    return str(transaction.signature)


def _preflight(node: Node, transaction: WireTransaction, block: Block) -> None:
    message_hash = transaction.verified_message_hash()
    if message_hash is None:
        raise signature_failure()
    outcome = node.chain.simulate(transaction, block, str(message_hash))
    error = outcome.error if isinstance(outcome, Outcome) else outcome
    if error is not None:
        raise RpcError(
            PREFLIGHT_FAILURE,
            f"Transaction simulation failed: {describe(error)}",
            _simulation_json(outcome) | {"accounts": None, "innerInstructions": None},
        )


def _simulation_json(outcome: Outcome | str) -> dict[str, Any]:
    if isinstance(outcome, str):
        return {
            "err": outcome,
            "logs": [],
            "unitsConsumed": 0,
            "returnData": None,
            "innerInstructions": None,
            "replacementBlockhash": None,
        }
    return {
        "err": outcome.error,
        "logs": list(outcome.logs),
        "unitsConsumed": outcome.compute_units,
        "returnData": outcome.return_data,
        "innerInstructions": list(outcome.inner_instructions),
        "replacementBlockhash": None,
        "fee": outcome.fee_lamports,
        "preBalances": list(outcome.balances_before),
        "postBalances": list(outcome.balances_after),
    }


def _accounts_after(
    node: Node, config: Config, block: Block, outcome: Outcome | str
) -> list[dict[str, Any] | None] | None:
    section = config.section("accounts")
    if section is None:
        return None
    addresses = section.values.get("addresses")
    if not isinstance(addresses, list):
        raise invalid_params("Invalid params: accounts.addresses should be a list")
    wanted = [pubkey(text) for text in addresses]
    if isinstance(outcome, str) or outcome.error is not None:
        return [None] * len(wanted)
    if len(wanted) > len(outcome.accounts.keys):
        raise invalid_params(f"Too many accounts provided; max {len(outcome.accounts.keys)}")
    encoding = section.text("encoding", "base64")
    return [
        account_json(
            outcome.after[address]
            if address in outcome.after
            else node.chain.account(address, block),
            encoding,
            None,
        )
        for address in wanted
    ]
