"""Accounts and transactions of the fake chain in the shapes of the real RPC."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from pixr.local.chain import base58
from pixr.local.chain.errors import invalid_params
from tests.fakes.chain import Landed
from tests.fakes.values import Account
from tests.fakes.wire import MEMO, Wire

RENT_EPOCH: Final = 0
"""As LiteSVM has it; mainnet says 2^64 - 1, and nobody reads it."""


def account_json(
    account: Account | None, encoding: str, data_slice: Mapping[str, int] | None
) -> dict[str, Any] | None:
    """Render an account, or the wanted part of its data; None is null."""
    if account is None:
        return None
    data = account.data
    if data_slice is not None:
        data = data[data_slice["offset"] : data_slice["offset"] + data_slice["length"]]
    rendered: Any
    if encoding == "binary":
        rendered = base58.encode(data)
    elif encoding == "base58":
        rendered = [base58.encode(data), encoding]
    elif encoding == "base64":
        rendered = [base64.b64encode(data).decode(), encoding]
    else:
        raise invalid_params(f"Invalid params: unsupported account encoding `{encoding}`")
    return {
        "lamports": account.lamports,
        "data": rendered,
        "owner": account.owner,
        "executable": account.executable,
        "rentEpoch": RENT_EPOCH,
        "space": len(account.data),
    }


def memo_of(wire: Wire) -> str | None:
    """The memos of a transaction as getSignaturesForAddress shows them."""
    memos = [step.data for step in wire.steps if wire.keys[step.program] == MEMO]
    if not memos:
        return None
    return "; ".join(f"[{len(memo)}] {memo.decode(errors='replace')}" for memo in memos)


def meta_json(landed: Landed) -> dict[str, Any]:
    """Render what a transaction did."""
    static = len(landed.wire.keys)
    written = sum(len(lookup.writable) for lookup in landed.wire.lookups)
    return {
        "err": landed.error,
        "status": {"Ok": None} if landed.error is None else {"Err": landed.error},
        "fee": landed.fee_lamports,
        "preBalances": list(landed.before),
        "postBalances": list(landed.after),
        "innerInstructions": [],
        "logMessages": [],
        "preTokenBalances": [],
        "postTokenBalances": [],
        "rewards": [],
        "loadedAddresses": {
            "writable": list(landed.keys[static : static + written]),
            "readonly": list(landed.keys[static + written :]),
        },
        "computeUnitsConsumed": landed.units,
    }


def transaction_json(wire: Wire, encoding: str) -> Any:
    """Render the transaction itself."""
    if encoding == "base64":
        return [base64.b64encode(wire.raw).decode(), encoding]
    if encoding == "base58":
        return [base58.encode(wire.raw), encoding]
    if encoding != "json":
        raise invalid_params(f"Invalid params: the fake does not render `{encoding}`")
    message = {
        "header": {
            "numRequiredSignatures": wire.signers,
            "numReadonlySignedAccounts": wire.readonly_signed,
            "numReadonlyUnsignedAccounts": wire.readonly_unsigned,
        },
        "accountKeys": list(wire.keys),
        "recentBlockhash": wire.blockhash,
        "instructions": [
            {
                "programIdIndex": step.program,
                "accounts": list(step.accounts),
                "data": base58.encode(step.data),
                "stackHeight": 1,
            }
            for step in wire.steps
        ],
    }
    if wire.is_versioned:
        message["addressTableLookups"] = [
            {
                "accountKey": lookup.table,
                "writableIndexes": list(lookup.writable),
                "readonlyIndexes": list(lookup.readonly),
            }
            for lookup in wire.lookups
        ]
    return {"signatures": list(wire.signatures), "message": message}
