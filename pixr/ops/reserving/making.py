"""The instructions that the reserve is made and moved with, by the Token program's own library.

It takes half a second to import, so only the words that make something import this module.
What members sign is read again, by code that shares nothing with this (``domain.proposals``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    CreateAccountWithSeedParams,
    TransferParams,
    advance_nonce_account,
    create_account_with_seed,
    create_nonce_account_with_seed,
    transfer,
)
from spl.token.constants import TOKEN_PROGRAM_ID, WRAPPED_SOL_MINT
from spl.token.instructions import (
    approve_checked,
    close_account,
    create_idempotent_associated_token_account,
    get_associated_token_address,
    initialize_multisig2,
    revoke,
    set_authority,
    sync_native,
    transfer_checked,
)
from spl.token.models import (
    ApproveCheckedParams,
    AuthorityType,
    CloseAccountParams,
    InitializeMultisig2Params,
    RevokeParams,
    SetAuthorityParams,
    SyncNativeParams,
    TransferCheckedParams,
)

from pixr.domain.proposals import Allow, Deed, HandOver, Move, Proposal, Revoke
from pixr.domain.reserve import MULTISIG_BYTES

DECIMALS: Final = 9


def multisig(
    payer: str, address: str, *, seed: str, members: Sequence[str], threshold: int, rent: int
) -> list[Instruction]:
    """Make the account of a group at the address that payer and seed give."""
    base, account = Pubkey.from_string(payer), Pubkey.from_string(address)
    return [
        create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=base,
                to_pubkey=account,
                base=base,
                seed=seed,
                lamports=rent,
                space=MULTISIG_BYTES,
                owner=TOKEN_PROGRAM_ID,
            )
        ),
        initialize_multisig2(
            InitializeMultisig2Params(
                program_id=TOKEN_PROGRAM_ID,
                multisig=account,
                m=threshold,
                signers=[Pubkey.from_string(member) for member in members],
            )
        ),
    ]


def token_account(owner: str) -> str:
    """The address of an owner's wrapped SOL."""
    return str(get_associated_token_address(Pubkey.from_string(owner), WRAPPED_SOL_MINT))


def open_token_account(payer: str, owner: str) -> Instruction:
    """Make the account of an owner's wrapped SOL, if it is not there."""
    return create_idempotent_associated_token_account(
        Pubkey.from_string(payer), Pubkey.from_string(owner), WRAPPED_SOL_MINT
    )


def nonce(payer: str, address: str, *, seed: str, rent: int) -> list[Instruction]:
    """Make the payer's nonce account at the address that payer and seed give."""
    base, account = Pubkey.from_string(payer), Pubkey.from_string(address)
    return list(create_nonce_account_with_seed(base, account, base, seed, base, rent))


def advance(payer: str, nonce_account: str) -> Instruction:
    """Move the nonce on: whatever names its value can never land."""
    return advance_nonce_account(
        AdvanceNonceAccountParams(
            nonce_pubkey=Pubkey.from_string(nonce_account),
            authorized_pubkey=Pubkey.from_string(payer),
        )
    )


def fund(payer: str, reserve: str, lamports: int) -> list[Instruction]:
    """Put SOL of the payer's into the reserve, and let the Token program count it."""
    source, account = Pubkey.from_string(payer), Pubkey.from_string(reserve)
    return [
        transfer(TransferParams(from_pubkey=source, to_pubkey=account, lamports=lamports)),
        sync_native(SyncNativeParams(program_id=TOKEN_PROGRAM_ID, account=account)),
    ]


def move(
    payer: str, reserve: str, owner: str, signers: Sequence[str], *, lamports: int, destination: str
) -> list[Instruction]:
    """Take wrapped SOL out of the reserve and pay it to ``destination`` as SOL, to the lamport.

    It passes through an account of the payer's that is opened and closed on the way, so nobody
    but the payer and whoever may move the reserve has to sign.

    Args:
        payer: Pays for it, and gets the rent of that account back.
        reserve: The token account.
        owner: The multisig, or a delegate of it.
        signers: The members; none for a delegate, who signs.
        lamports: How much.
        destination: To whom.
    """
    paying = Pubkey.from_string(payer)
    passing = get_associated_token_address(paying, WRAPPED_SOL_MINT)
    return [
        open_token_account(payer, payer),
        transfer_checked(
            TransferCheckedParams(
                program_id=TOKEN_PROGRAM_ID,
                source=Pubkey.from_string(reserve),
                mint=WRAPPED_SOL_MINT,
                dest=passing,
                owner=Pubkey.from_string(owner),
                amount=lamports,
                decimals=DECIMALS,
                signers=[Pubkey.from_string(member) for member in signers],
            )
        ),
        close_account(
            CloseAccountParams(
                program_id=TOKEN_PROGRAM_ID, account=passing, dest=paying, owner=paying
            )
        ),
        transfer(
            TransferParams(
                from_pubkey=paying, to_pubkey=Pubkey.from_string(destination), lamports=lamports
            )
        ),
    ]


def message(proposal: Proposal) -> Message:
    """The message of a proposal, for its members to sign."""
    steps = [advance(proposal.payer, proposal.nonce_account), *deed(proposal.deed, proposal)]
    payer = Pubkey.from_string(proposal.payer)
    return Message.new_with_blockhash(steps, payer, Hash.from_string(proposal.nonce))


def deed(wanted: Deed, proposal: Proposal) -> list[Instruction]:
    """What a proposal does once the nonce is moved on."""
    reserve = Pubkey.from_string(proposal.reserve)
    owner = Pubkey.from_string(proposal.multisig)
    signers = [Pubkey.from_string(member) for member in proposal.signers]
    match wanted:
        case Move():
            return move(
                proposal.payer,
                proposal.reserve,
                proposal.multisig,
                proposal.signers,
                lamports=wanted.lamports,
                destination=wanted.destination,
            )
        case Allow():
            allowed = ApproveCheckedParams(
                program_id=TOKEN_PROGRAM_ID,
                source=reserve,
                mint=WRAPPED_SOL_MINT,
                delegate=Pubkey.from_string(wanted.delegate),
                owner=owner,
                amount=wanted.lamports,
                decimals=DECIMALS,
                signers=signers,
            )
            return [approve_checked(allowed)]
        case Revoke():
            return [
                revoke(
                    RevokeParams(
                        program_id=TOKEN_PROGRAM_ID, account=reserve, owner=owner, signers=signers
                    )
                )
            ]
        case HandOver():
            handed = SetAuthorityParams(
                program_id=TOKEN_PROGRAM_ID,
                account=reserve,
                authority=AuthorityType.ACCOUNT_OWNER,
                current_authority=owner,
                signers=signers,
                new_authority=Pubkey.from_string(wanted.new_multisig),
            )
            return [set_authority(handed)]
        case _:
            assert_never(wanted)
