"""Accounts and transactions in the shapes that Agave's RPC gives them.

Source:
    https://solana.com/docs/rpc/json-structures
    https://github.com/anza-xyz/agave/tree/master/transaction-status
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from solders.account import Account
from solders.message import MessageV0, MessageV1
from solders.transaction import VersionedTransaction

from pixr.local.chain import base58
from pixr.local.chain.errors import (
    INVALID_REQUEST,
    RpcError,
    invalid_params,
    unsupported_version,
)
from pixr.local.chain.ledger import Landed
from pixr.local.chain.parsed import MEMO_PROGRAMS, parsed_instruction
from pixr.local.chain.runtime import Outcome
from pixr.local.chain.wire import AnyMessage, readable_message, writable_flags

BASE58_DATA_BYTES_MAX: Final = 128
TRANSACTION_ENCODINGS: Final = ("json", "jsonParsed", "base64", "base58")


def account_json(
    account: Account | None, encoding: str, data_slice: Mapping[str, int] | None
) -> dict[str, Any] | None:
    """Render an account.

    Args:
        account: The account; None renders as null.
        encoding: ``binary`` (base58 without its name), ``base58``, ``base64``,
            or ``jsonParsed``, which falls back to base64 as for any program
            without a parser.
        data_slice: ``offset`` and ``length`` of the data wanted, in bytes.

    Raises:
        RpcError: The encoding is unknown, or base58 is asked for long data.
    """
    if account is None:
        return None
    data = account.data
    if data_slice is not None:
        data = data[data_slice["offset"] : data_slice["offset"] + data_slice["length"]]
    rendered: Any
    if encoding in {"binary", "base58"}:
        if len(data) > BASE58_DATA_BYTES_MAX:
            raise RpcError(
                INVALID_REQUEST,
                "Encoded binary (base 58) data should be less than 128 bytes, "
                "please use Base64 encoding.",
            )
        text = base58.encode(data)
        rendered = text if encoding == "binary" else [text, "base58"]
    elif encoding in {"base64", "jsonParsed"}:
        rendered = [base64.b64encode(data).decode(), "base64"]
    else:
        raise invalid_params(f"Invalid params: unsupported account encoding `{encoding}`")
    return {
        "lamports": account.lamports,
        "data": rendered,
        "owner": str(account.owner),
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
        "space": len(account.data),
    }


def status_json(error: Any) -> dict[str, Any]:
    """Render a result as Rust's ``Result`` serializes; clients still read this form."""
    return {"Ok": None} if error is None else {"Err": error}


def meta_json(outcome: Outcome) -> dict[str, Any]:
    """Render what executing a transaction did, to be stored with it."""
    accounts = outcome.accounts
    return {
        "err": outcome.error,
        "status": status_json(outcome.error),
        "fee": outcome.fee_lamports,
        "preBalances": list(outcome.balances_before),
        "postBalances": list(outcome.balances_after),
        "innerInstructions": list(outcome.inner_instructions),
        "logMessages": list(outcome.logs),
        "preTokenBalances": [],
        "postTokenBalances": [],
        "rewards": [],
        "loadedAddresses": {
            "writable": [str(key) for key in accounts.loaded_writable],
            "readonly": [str(key) for key in accounts.loaded_readonly],
        },
        **({"returnData": outcome.return_data} if outcome.return_data else {}),
        "computeUnitsConsumed": outcome.compute_units,
    }


def memo_of(message: AnyMessage) -> str | None:
    """Render the memos of a message as getSignaturesForAddress shows them."""
    keys = message.account_keys
    memos = [
        instruction.data
        for instruction in message.instructions
        if instruction.program_id_index < len(keys)
        and str(keys[instruction.program_id_index]) in MEMO_PROGRAMS
    ]
    if not memos:
        return None
    return "; ".join(f"[{len(memo)}] {memo.decode(errors='replace')}" for memo in memos)


def transaction_json(landed: Landed, encoding: str, version_max: int | None) -> dict[str, Any]:
    """Render a landed transaction with its metadata, and its version if asked.

    Raises:
        RpcError: -32015, the transaction is versioned and ``version_max`` does
            not admit that; -32602, the encoding is unknown.
    """
    transaction = VersionedTransaction.from_bytes(landed.wire_bytes)
    message = readable_message(transaction.message)
    version = _version(message)
    if version is not None and (version_max is None or version_max < version):
        raise unsupported_version(version)
    loaded = landed.meta["loadedAddresses"]
    keys = [*map(str, message.account_keys), *loaded["writable"], *loaded["readonly"]]
    meta = landed.meta
    body: Any
    match encoding:
        case "base64":
            body = [base64.b64encode(landed.wire_bytes).decode(), "base64"]
        case "base58":
            body = [base58.encode(landed.wire_bytes), "base58"]
        case "json":
            body = _body(transaction, _compiled_message(message))
        case "jsonParsed":
            body = _body(transaction, _parsed_message(message, keys, loaded))
            meta = _with_parsed_inner(meta, keys)
        case _:
            raise invalid_params(
                f"Invalid params: unknown variant `{encoding}`, "
                f"expected one of {', '.join(TRANSACTION_ENCODINGS)}"
            )
    rendered = {"transaction": body, "meta": meta}
    if version_max is not None:
        rendered["version"] = "legacy" if version is None else version
    return rendered


def _version(message: AnyMessage) -> int | None:
    """None for the legacy form, which has no number."""
    if isinstance(message, MessageV1):
        return 1
    return 0 if isinstance(message, MessageV0) else None


def account_keys_json(landed: Landed) -> dict[str, Any]:
    """Render what getBlock's ``transactionDetails: accounts`` shows."""
    transaction = VersionedTransaction.from_bytes(landed.wire_bytes)
    message = readable_message(transaction.message)
    kept = ("err", "status", "fee", "preBalances", "postBalances")
    return {
        "transaction": {
            "signatures": [str(signature) for signature in transaction.signatures],
            "accountKeys": _parsed_keys(message, landed.meta["loadedAddresses"]),
        },
        "meta": {name: landed.meta[name] for name in kept},
    }


def _body(transaction: VersionedTransaction, message: dict[str, Any]) -> dict[str, Any]:
    return {
        "signatures": [str(signature) for signature in transaction.signatures],
        "message": message,
    }


def _compiled_message(message: AnyMessage) -> dict[str, Any]:
    header = message.header
    return {
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "accountKeys": [str(key) for key in message.account_keys],
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": _compiled_instructions(message),
        **_lookups(message),
    }


def _compiled_instructions(message: AnyMessage) -> list[dict[str, Any]]:
    return [
        {
            "programIdIndex": instruction.program_id_index,
            "accounts": list(instruction.accounts),
            "data": base58.encode(instruction.data),
            "stackHeight": 1,
        }
        for instruction in message.instructions
    ]


def _parsed_message(
    message: AnyMessage, keys: Sequence[str], loaded: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    return {
        "accountKeys": _parsed_keys(message, loaded),
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            parsed_instruction(compiled, keys) for compiled in _compiled_instructions(message)
        ],
        **_lookups(message),
    }


def _parsed_keys(message: AnyMessage, loaded: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    signer_count = message.header.num_required_signatures
    flags = writable_flags(message)
    static = [
        {
            "pubkey": str(key),
            "signer": index < signer_count,
            "writable": flags[index],
            "source": "transaction",
        }
        for index, key in enumerate(message.account_keys)
    ]
    return static + [
        {"pubkey": key, "signer": False, "writable": kind == "writable", "source": "lookupTable"}
        for kind in ("writable", "readonly")
        for key in loaded[kind]
    ]


def _lookups(message: AnyMessage) -> dict[str, Any]:
    if not isinstance(message, MessageV0):
        return {}
    return {
        "addressTableLookups": [
            {
                "accountKey": str(lookup.account_key),
                "writableIndexes": list(lookup.writable_indexes),
                "readonlyIndexes": list(lookup.readonly_indexes),
            }
            for lookup in message.address_table_lookups
        ]
    }


def _with_parsed_inner(meta: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return meta | {
        "innerInstructions": [
            inner | {"instructions": [parsed_instruction(step, keys) for step in steps]}
            for inner in meta["innerInstructions"]
            for steps in [inner["instructions"]]
        ]
    }
