"""What members sign is exactly what is said: no bit of it is without words.

Messages are made by the Token program's own library and read by code of ours that shares
nothing with it. Every bit of every kind of message is turned, and random bytes are read.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from pixr.domain.proposals import (
    Allow,
    Deed,
    HandOver,
    Move,
    NotUnderstood,
    Proposal,
    Revoke,
    read,
)
from pixr.ops.reserving import making

NAMES = [str(Keypair.from_seed(bytes([number] * 32)).pubkey()) for number in range(9)]
TREASURY, RESERVE, MULTISIG, PAYER, NONCE, ADA, BEN, HEIRS, VALUE = NAMES
DEEDS: list[Deed] = [
    Move(lamports=1_234_567_890_123, destination=TREASURY),
    Allow(lamports=5_000_000_000, delegate=TREASURY),
    Revoke(),
    HandOver(new_multisig=HEIRS),
]


def proposal(deed: Deed, signers: tuple[str, ...] = (ADA, BEN)) -> Proposal:
    return Proposal(
        deed=deed,
        reserve=RESERVE,
        multisig=MULTISIG,
        signers=signers,
        payer=PAYER,
        nonce_account=NONCE,
        nonce=VALUE,
    )


def kind(deed: Deed) -> str:
    return type(deed).__name__


@pytest.mark.parametrize("deed", DEEDS, ids=kind)
def test_what_is_made_is_read_back_whole(deed: Deed) -> None:
    wanted = proposal(deed)
    raw = bytes(making.message(wanted))
    assert read(raw) == wanted
    said = "\n".join(wanted.words)
    for name in (RESERVE, MULTISIG, PAYER, NONCE, ADA, BEN, VALUE):
        assert name in said


@pytest.mark.parametrize("deed", DEEDS, ids=kind)
def test_with_three_signatures_it_fits_a_packet(deed: Deed) -> None:
    assert 1 + 3 * 64 + len(bytes(making.message(proposal(deed)))) <= 1_232


@pytest.mark.parametrize("deed", DEEDS, ids=kind)
def test_a_bit_that_is_turned_is_refused_or_changes_the_words(deed: Deed) -> None:
    wanted = proposal(deed)
    raw = bytes(making.message(wanted))
    for position in range(len(raw)):
        for bit in range(8):
            turned = bytearray(raw)
            turned[position] ^= 1 << bit
            try:
                found = read(bytes(turned))
            except NotUnderstood:
                continue
            assert found.words != wanted.words, (position, bit)


@given(st.binary(max_size=600))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read(raw)


@given(st.sampled_from(DEEDS), st.data())
def test_bytes_that_are_cut_stretched_or_mixed_are_refused_or_read_otherwise(
    deed: Deed, data: st.DataObject
) -> None:
    raw = bytes(making.message(proposal(deed)))
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    mixed = raw[:start] + data.draw(st.binary(max_size=70)) + raw[end:]
    if mixed == raw:
        return
    try:
        found = read(mixed)
    except NotUnderstood:
        return
    assert found.words != proposal(deed).words


@given(lamports=st.integers(0, 2**64 - 1), others=st.integers(0, 2**64 - 1))
def test_amounts_that_differ_read_differently(lamports: int, others: int) -> None:
    one = Move(lamports=lamports, destination=TREASURY)
    assert read(bytes(making.message(proposal(one)))).deed == one
    assert (one.words == Move(lamports=others, destination=TREASURY).words) == (lamports == others)


def compiled(*steps: Instruction) -> bytes:
    return bytes(
        Message.new_with_blockhash(steps, Pubkey.from_string(PAYER), Hash.from_string(VALUE))
    )


def test_one_instruction_more_or_less_is_refused() -> None:
    payer = Pubkey.from_string(PAYER)
    extra = transfer(TransferParams(from_pubkey=payer, to_pubkey=payer, lamports=1))
    advance = making.advance(PAYER, NONCE)
    for deed in DEEDS:
        steps = making.deed(deed, proposal(deed))
        assert read(compiled(advance, *steps)).deed == deed
        for wrong in (
            (advance, *steps, extra),
            (extra, advance, *steps),
            (*steps,),
            (*steps, advance),
            (advance,),
            (advance, *steps, *steps),
            (advance, *steps[:-1]),
        ):
            with pytest.raises(NotUnderstood):
                read(compiled(*wrong))


def test_money_that_does_not_arrive_where_it_left_for_is_refused() -> None:
    advance = making.advance(PAYER, NONCE)
    one = making.deed(DEEDS[0], proposal(DEEDS[0]))
    other = making.deed(Move(lamports=7, destination=HEIRS), proposal(DEEDS[0]))
    for number in (1, 3):
        mixed = [*one]
        mixed[number] = other[number]
        try:
            found = read(compiled(advance, *mixed))
        except NotUnderstood:
            continue
        raise AssertionError(found)


def test_a_message_of_another_version_is_refused() -> None:
    steps = [making.advance(PAYER, NONCE), *making.deed(Revoke(), proposal(Revoke()))]
    message = MessageV0.try_compile(Pubkey.from_string(PAYER), steps, [], Hash.from_string(VALUE))
    for raw in (bytes(message), b"\x80" + bytes(message)):
        with pytest.raises(NotUnderstood):
            read(raw)


def test_nobody_is_asked_to_sign_for_nothing() -> None:
    for deed in DEEDS:
        with pytest.raises(NotUnderstood):
            read(bytes(making.message(proposal(deed, signers=()))))
