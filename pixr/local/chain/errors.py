"""Every way the chain says no, in Solana's own codes and words.

Clients switch on these numbers and parse these sentences, so they are copied,
not paraphrased. Two kinds:

RpcError                 the request fails: one JSON-RPC error object
transaction error        a JSON value such as ``{"InstructionError": [0, {"Custom": 1}]}``
                         which describes a transaction; ``describe`` gives its sentence

Source:
    https://github.com/anza-xyz/agave/blob/master/rpc-client-api/src/custom_error.rs
    https://github.com/anza-xyz/solana-sdk/tree/master/transaction-error
    https://github.com/anza-xyz/solana-sdk/tree/master/instruction-error
"""

from typing import Any, Final

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
BLOCK_CLEANED_UP: Final = -32001
PREFLIGHT_FAILURE: Final = -32002
SIGNATURE_FAILURE: Final = -32003
BLOCK_NOT_AVAILABLE: Final = -32004
NODE_UNHEALTHY: Final = -32005
SLOT_SKIPPED: Final = -32007
UNSUPPORTED_VERSION: Final = -32015
MIN_CONTEXT_SLOT: Final = -32016

_NO_DATA: Final = object()


class RpcError(Exception):
    """One JSON-RPC error object, raised by a method and rendered by the dispatcher."""

    def __init__(self, code: int, message: str, data: Any = _NO_DATA) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """Render for the wire; ``data`` appears only when it was given."""
        rendered: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not _NO_DATA:
            rendered["data"] = self.data
        return rendered


def invalid_params(message: str) -> RpcError:
    """The caller's parameters make no sense; ``message`` says which and why."""
    return RpcError(INVALID_PARAMS, message)


def signature_failure() -> RpcError:
    """A signature on the transaction does not verify."""
    return RpcError(SIGNATURE_FAILURE, "Transaction signature verification failure")


def block_not_available(slot: int) -> RpcError:
    """``slot`` lies in the future of the asked commitment."""
    return RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")


def slot_skipped(slot: int) -> RpcError:
    """``slot`` is past, and no block was made in it."""
    return RpcError(
        SLOT_SKIPPED,
        f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot",
    )


def block_cleaned_up(slot: int, first_available_slot: int) -> RpcError:
    """``slot`` is older than the history this node still has."""
    return RpcError(
        BLOCK_CLEANED_UP,
        f"Block {slot} cleaned up, does not exist on node. "
        f"First available block: {first_available_slot}",
    )


def min_context_slot_not_reached(context_slot: int) -> RpcError:
    """The state at the asked commitment is older than the caller accepts."""
    return RpcError(
        MIN_CONTEXT_SLOT,
        "Minimum context slot has not been reached",
        {"contextSlot": context_slot},
    )


def unsupported_version(version: int) -> RpcError:
    """The client did not say that it can read this transaction version."""
    return RpcError(
        UNSUPPORTED_VERSION,
        f"Transaction version ({version}) is not supported by the requesting client. "
        "Please try the request again with the following configuration parameter: "
        f'"maxSupportedTransactionVersion": {version}',
    )


def describe(error: Any) -> str:
    """Give the sentence that a validator prints for a transaction error.

    Args:
        error: The error in Agave's JSON form, e.g. ``"BlockhashNotFound"`` or
            ``{"InsufficientFundsForRent": {"account_index": 1}}``.
    """
    if isinstance(error, str):
        return TRANSACTION_ERRORS.get(error, error)
    [(name, detail)] = error.items()
    match name:
        case "InstructionError":
            index, cause = detail
            return f"Error processing Instruction {index}: {_describe_instruction(cause)}"
        case "InsufficientFundsForRent":
            return (
                f"Transaction results in an account ({detail['account_index']}) "
                "with insufficient funds for rent"
            )
        case "DuplicateInstruction":
            return f"Transaction contains a duplicate instruction ({detail}) that is not allowed"
        case _:
            return str(name)


def _describe_instruction(cause: Any) -> str:
    if isinstance(cause, str):
        return INSTRUCTION_ERRORS.get(cause, cause)
    [(name, detail)] = cause.items()
    return f"custom program error: {detail:#x}" if name == "Custom" else str(name)


TRANSACTION_ERRORS: Final = {
    "AccountInUse": "Account in use",
    "AccountLoadedTwice": "Account loaded twice",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "InvalidAccountForFee": "This account may not be used to pay transaction fees",
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "CallChainTooDeep": "Loader call chain is too deep",
    "MissingSignatureForFee": "Transaction requires a fee but has no signature present",
    "InvalidAccountIndex": "Transaction contains an invalid account reference",
    "SignatureFailure": "Transaction did not pass signature verification",
    "InvalidProgramForExecution": "This program may not be used for executing instructions",
    "SanitizeFailure": "Transaction failed to sanitize accounts offsets correctly",
    "UnsupportedVersion": "Transaction version is unsupported",
    "InvalidWritableAccount": "Transaction loads a writable account that cannot be written",
    "TooManyAccountLocks": "Transaction locked too many accounts",
    "AddressLookupTableNotFound": ("Transaction loads an address table account that doesn't exist"),
    "InvalidAddressLookupTableOwner": (
        "Transaction loads an address table account with an invalid owner"
    ),
    "InvalidAddressLookupTableData": (
        "Transaction loads an address table account with invalid data"
    ),
    "InvalidAddressLookupTableIndex": ("Transaction address table lookup uses an invalid index"),
    "InvalidRentPayingAccount": (
        "Transaction leaves an account with a lower balance than rent-exempt minimum"
    ),
    "MaxLoadedAccountsDataSizeExceeded": ("Transaction exceeded max loaded accounts data size cap"),
    "UnbalancedTransaction": ("Sum of account balances before and after transaction do not match"),
}

INSTRUCTION_ERRORS: Final = {
    "GenericError": "generic instruction error",
    "InvalidArgument": "invalid program argument",
    "InvalidInstructionData": "invalid instruction data",
    "InvalidAccountData": "invalid account data for instruction",
    "AccountDataTooSmall": "account data too small for instruction",
    "InsufficientFunds": "insufficient funds for instruction",
    "IncorrectProgramId": "incorrect program id for instruction",
    "MissingRequiredSignature": "missing required signature for instruction",
    "AccountAlreadyInitialized": "instruction requires an uninitialized account",
    "UninitializedAccount": "instruction requires an initialized account",
    "UnbalancedInstruction": ("sum of account balances before and after instruction do not match"),
    "ModifiedProgramId": "instruction illegally modified the program id of an account",
    "ExternalAccountLamportSpend": (
        "instruction spent from the balance of an account it does not own"
    ),
    "ExternalAccountDataModified": "instruction modified data of an account it does not own",
    "ReadonlyLamportChange": "instruction changed the balance of a read-only account",
    "ReadonlyDataModified": "instruction modified data of a read-only account",
    "NotEnoughAccountKeys": "insufficient account keys for instruction",
    "AccountNotExecutable": "instruction expected an executable account",
    "UnsupportedProgramId": "Unsupported program id",
    "CallDepth": "Cross-program invocation call depth too deep",
    "MissingAccount": "An account required by the instruction is missing",
    "MaxSeedLengthExceeded": "Length of the seed is too long for address generation",
    "InvalidSeeds": "Provided seeds do not result in a valid address",
    "ComputationalBudgetExceeded": "Computational budget exceeded",
    "PrivilegeEscalation": (
        "Cross-program invocation with unauthorized signer or writable account"
    ),
    "ProgramFailedToComplete": "Program failed to complete",
    "IncorrectAuthority": "Incorrect authority provided",
    "AccountNotRentExempt": ("An account does not have enough lamports to be rent-exempt"),
    "InvalidAccountOwner": "Invalid account owner",
    "ArithmeticOverflow": "Program arithmetic overflowed",
    "IllegalOwner": "Provided owner is not allowed",
}
