"""What the members of the reserve sign, read from the bytes alone.

    advance the nonce · Move      open account · transfer · close it · pay on
                      · Allow     approve a delegate, up to a sum
                      · Revoke    take that back
                      · HandOver  give the reserve to other members

Whoever signs on a machine without a network has nothing but these bytes, and the file around
them was written by a machine that has one. So the bytes are read, a message is written anew from
what was read, and only one that is the same to the last bit has been understood: what is said
is all there is. Nothing is shared with the code that makes them (``pixr.ops.reserving``).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey

from pixr.domain.money import format_sol

_SYSTEM: Final = Pubkey.from_string("11111111111111111111111111111111")
_TOKEN: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
_ASSOCIATED: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_WRAPPED_SOL: Final = Pubkey.from_string("So11111111111111111111111111111111111111112")
_RECENT_HASHES: Final = Pubkey.from_string("SysvarRecentB1ockHashes11111111111111111111")

_ADVANCE: Final = b"\x04\x00\x00\x00"
_TRANSFER: Final = b"\x02\x00\x00\x00"
_CREATE_IF_ABSENT: Final = b"\x01"
# Tags of the Token program's instructions; 9 decimals, as the mint of wrapped SOL has.
_REVOKE: Final = b"\x05"
_SET_OWNER: Final = b"\x06\x02\x01"
_CLOSE: Final = b"\x09"
_TRANSFER_CHECKED: Final = 12
_APPROVE_CHECKED: Final = 13
_CHECKED: Final = struct.Struct("<BQB")
_DECIMALS: Final = 9

MESSAGE_BYTES_MAX: Final = 1_232


class NotUnderstood(Exception):
    """The bytes hold something that no proposal of ours holds: do not sign them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Wrapped SOL of the reserve becomes SOL at ``destination``."""

    lamports: int
    destination: str

    @property
    def words(self) -> str:
        """What it does."""
        return f"MOVE {_sol(self.lamports)} out of the reserve to {self.destination}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """``delegate`` may take up to ``lamports``, alone, until it is revoked."""

    lamports: int
    delegate: str

    @property
    def words(self) -> str:
        """What it does."""
        return (
            f"ALLOW {self.delegate} to take up to {_sol(self.lamports)} without asking again,"
            " instead of whatever was allowed before"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Nobody but the members may take anything."""

    @property
    def words(self) -> str:
        """What it does."""
        return "REVOKE whatever was allowed before"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """The reserve belongs to another multisig, for good; what was allowed ends."""

    new_multisig: str

    @property
    def words(self) -> str:
        """What it does."""
        return (
            f"HAND OVER the whole reserve to the multisig {self.new_multisig};"
            " the members who sign here lose it, and whatever was allowed ends"
        )


Deed: TypeAlias = Move | Allow | Revoke | HandOver


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A message that waits for signatures. Addresses are base58."""

    deed: Deed
    reserve: str
    """The token account."""
    multisig: str
    signers: tuple[str, ...]
    """The members who must sign it."""
    payer: str
    """Pays the fee and moves the nonce on; it signs when it is sent."""
    nonce_account: str
    nonce: str
    """It can land while the nonce account has this value, and never after."""

    @property
    def words(self) -> tuple[str, ...]:
        """Every field in plain words: two proposals that differ read differently."""
        return (
            self.deed.words,
            f"reserve {self.reserve} of the multisig {self.multisig}",
            f"signed by the members {' and '.join(self.signers)}",
            f"sent and paid for by {self.payer}",
            f"valid while the nonce account {self.nonce_account} holds {self.nonce}",
        )


def read(raw: bytes) -> Proposal:
    """Read the bytes of a message.

    Raises:
        NotUnderstood: They are not, to the last bit, a proposal of one of the four kinds.
    """
    if len(raw) > MESSAGE_BYTES_MAX:
        raise NotUnderstood(f"it has {len(raw)} bytes, more than {MESSAGE_BYTES_MAX}")
    try:
        message = Message.from_bytes(raw)
        proposal = _proposal(message)
        again = bytes(_message(proposal))
    except (ValueError, IndexError, struct.error) as error:
        raise NotUnderstood("it is no proposal that this version knows") from error
    if again != raw:
        raise NotUnderstood("it says more, or something else, than can be told in words")
    return proposal


def _proposal(message: Message) -> Proposal:
    keys = message.account_keys
    steps = [
        (bytes(item.data), [keys[index] for index in bytes(item.accounts)])
        for item in message.instructions
    ]
    nonce_account, _, payer = steps[0][1]
    deed, accounts, fixed = _deed(steps[1:])
    signers = accounts[fixed:]
    if not signers:
        raise NotUnderstood("no member has to sign it")
    return Proposal(
        deed=deed,
        reserve=str(accounts[0]),
        multisig=str(accounts[fixed - 1]),
        signers=tuple(map(str, signers)),
        payer=str(payer),
        nonce_account=str(nonce_account),
        nonce=str(message.recent_blockhash),
    )


def _deed(
    steps: Sequence[tuple[bytes, list[Pubkey]]],
) -> tuple[Deed, list[Pubkey], int]:
    """The deed, the accounts of its main instruction, and where its signers begin there."""
    if len(steps) == 4:  # noqa: PLR2004 -- as drawn at the top of the file
        data, accounts = steps[1]
        _, lamports, _ = _CHECKED.unpack(data)
        return Move(lamports=lamports, destination=str(steps[3][1][1])), accounts, 4
    ((data, accounts),) = steps
    if data[0] == _APPROVE_CHECKED:
        _, lamports, _ = _CHECKED.unpack(data)
        return Allow(lamports=lamports, delegate=str(accounts[2])), accounts, 4
    if data == _REVOKE:
        return Revoke(), accounts, 2
    if len(data) != len(_SET_OWNER) + Pubkey.LENGTH:
        # solders panics, outside of Exception, where a key is short.
        raise NotUnderstood("it is no proposal that this version knows")
    new_multisig = str(Pubkey.from_bytes(data[len(_SET_OWNER) :]))
    return HandOver(new_multisig=new_multisig), accounts, 2


def _message(proposal: Proposal) -> Message:
    payer = Pubkey.from_string(proposal.payer)
    reserve = Pubkey.from_string(proposal.reserve)
    nonce = Pubkey.from_string(proposal.nonce_account)
    signed = [_fixed(Pubkey.from_string(proposal.multisig))]
    signed += [_signer(Pubkey.from_string(member)) for member in proposal.signers]
    advance = Instruction(
        _SYSTEM, _ADVANCE, [_written(nonce), _fixed(_RECENT_HASHES), _signer(payer)]
    )
    steps = [advance, *_steps(proposal.deed, payer, reserve, signed)]
    return Message.new_with_blockhash(steps, payer, Hash.from_string(proposal.nonce))


def _steps(
    deed: Deed, payer: Pubkey, reserve: Pubkey, signed: list[AccountMeta]
) -> list[Instruction]:
    match deed:
        case Move():
            return _move(deed, payer, reserve, signed)
        case Allow():
            delegate = Pubkey.from_string(deed.delegate)
            data = _CHECKED.pack(_APPROVE_CHECKED, deed.lamports, _DECIMALS)
            return [
                Instruction(
                    _TOKEN,
                    data,
                    [_written(reserve), _fixed(_WRAPPED_SOL), _fixed(delegate), *signed],
                )
            ]
        case Revoke():
            return [Instruction(_TOKEN, _REVOKE, [_written(reserve), *signed])]
        case HandOver():
            data = _SET_OWNER + bytes(Pubkey.from_string(deed.new_multisig))
            return [Instruction(_TOKEN, data, [_written(reserve), *signed])]


def _move(
    deed: Move, payer: Pubkey, reserve: Pubkey, signed: list[AccountMeta]
) -> list[Instruction]:
    """Through an account of the payer's that is opened and closed in the same transaction."""
    seeds = [bytes(payer), bytes(_TOKEN), bytes(_WRAPPED_SOL)]
    passing, _ = Pubkey.find_program_address(seeds, _ASSOCIATED)
    paying = AccountMeta(payer, is_signer=True, is_writable=True)
    destination = Pubkey.from_string(deed.destination)
    return [
        Instruction(
            _ASSOCIATED,
            _CREATE_IF_ABSENT,
            [
                paying,
                _written(passing),
                _fixed(payer),
                _fixed(_WRAPPED_SOL),
                _fixed(_SYSTEM),
                _fixed(_TOKEN),
            ],
        ),
        Instruction(
            _TOKEN,
            _CHECKED.pack(_TRANSFER_CHECKED, deed.lamports, _DECIMALS),
            [_written(reserve), _fixed(_WRAPPED_SOL), _written(passing), *signed],
        ),
        Instruction(_TOKEN, _CLOSE, [_written(passing), _written(payer), _signer(payer)]),
        Instruction(
            _SYSTEM,
            _TRANSFER + deed.lamports.to_bytes(8, "little"),
            [paying, _written(destination)],
        ),
    ]


def _written(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _fixed(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _signer(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)


def _sol(lamports: int) -> str:
    return f"{format_sol(lamports)} SOL ({lamports} lamports)"
