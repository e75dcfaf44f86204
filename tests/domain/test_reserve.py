"""The reserve's accounts are read as the Token program writes them, and not otherwise.

The bytes come from the program's own types; the drill reads those of the real program.
"""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.token.state import Multisig, TokenAccount, TokenAccountState

from pixr.domain.errors import BadDestination, Malformed
from pixr.domain.reserve import (
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    check_members,
    multisig_seed,
    read_holding,
    read_multisig,
    read_nonce,
)
from pixr.domain.wallets import SYSTEM_PROGRAM

KEYS = [Keypair.from_seed(bytes([number] * 32)).pubkey() for number in range(4)]
NAMES = [str(key) for key in KEYS]
RENT = 2_039_280


def multisig(m: int = 2, n: int = 3, *, is_initialized: bool = True) -> bytes:
    signers = [*KEYS[:3], *[Pubkey.default()] * 8]
    return bytes(Multisig(m, n, is_initialized=is_initialized, signers=signers))


def account(
    *,
    mint: str = WRAPPED_SOL_MINT,
    delegate: Pubkey | None = None,
    allowed: int = 0,
    state: TokenAccountState = TokenAccountState.Initialized,
    native: int | None = RENT,
    closer: Pubkey | None = None,
) -> bytes:
    key = Pubkey.from_string(mint)
    return bytes(TokenAccount(key, KEYS[0], 7, delegate, state, native, allowed, closer))


def test_a_multisig_is_its_members_and_its_threshold() -> None:
    found = read_multisig(TOKEN_PROGRAM, multisig())
    assert found is not None
    assert (found.addresses, found.threshold) == (tuple(NAMES[:3]), 2)


@pytest.mark.parametrize(
    ("owner", "data"),
    [
        (SYSTEM_PROGRAM, multisig()),
        (TOKEN_PROGRAM, multisig()[:-1]),
        (TOKEN_PROGRAM, multisig(is_initialized=False)),
        (TOKEN_PROGRAM, multisig(m=4)),
        (TOKEN_PROGRAM, multisig(m=0)),
        (TOKEN_PROGRAM, multisig(n=12)),
        (TOKEN_PROGRAM, b"\x02\x03\x07" + multisig()[3:]),
    ],
    ids=["owner", "short", "empty", "threshold", "nobody", "crowd", "flag"],
)
def test_what_is_no_multisig_is_not_read_as_one(owner: str, data: bytes) -> None:
    assert read_multisig(owner, data) is None


def test_an_account_tells_what_it_holds_and_what_may_be_taken() -> None:
    found = read_holding(TOKEN_PROGRAM, account())
    assert found is not None
    assert (found.owner, found.lamports, found.delegate, found.allowance_lamports) == (
        NAMES[0],
        7,
        None,
        0,
    )
    lent = read_holding(TOKEN_PROGRAM, account(delegate=KEYS[1], allowed=5))
    assert lent is not None
    assert (lent.delegate, lent.allowance_lamports) == (NAMES[1], 5)


@pytest.mark.parametrize(
    ("owner", "data"),
    [
        (SYSTEM_PROGRAM, account()),
        (TOKEN_PROGRAM, account()[:-1]),
        (TOKEN_PROGRAM, account(mint=NAMES[3])),
        (TOKEN_PROGRAM, account(state=TokenAccountState.Frozen)),
        (TOKEN_PROGRAM, account(native=None)),
        (TOKEN_PROGRAM, account(closer=KEYS[2])),
        (TOKEN_PROGRAM, bytes(165)),
    ],
    ids=["owner", "short", "mint", "frozen", "not wrapped", "closer", "empty"],
)
def test_what_holds_no_wrapped_sol_in_the_plain_way_is_no_reserve(owner: str, data: bytes) -> None:
    assert read_holding(owner, data) is None


def test_a_nonce_is_read_when_it_can_be_used() -> None:
    data = b"\x01\x00\x00\x00\x01\x00\x00\x00" + bytes(KEYS[0]) + bytes(KEYS[1]) + bytes(8)
    found = read_nonce(SYSTEM_PROGRAM, data)
    assert found is not None
    assert (found.authority, found.value) == (NAMES[0], NAMES[1])
    assert read_nonce(TOKEN_PROGRAM, data) is None
    assert read_nonce(SYSTEM_PROGRAM, data + b"\x00") is None
    assert read_nonce(SYSTEM_PROGRAM, b"\x00" + data[1:]) is None, "a legacy nonce"


def test_three_different_outside_people_are_members() -> None:
    check_members(NAMES[:3], ours={NAMES[3]: "the escrow"})
    with pytest.raises(Malformed, match="3 times, not 4"):
        check_members(NAMES, ours={})
    with pytest.raises(Malformed, match="given twice"):
        check_members([NAMES[0], NAMES[1], NAMES[0]], ours={})
    with pytest.raises(BadDestination, match="is the escrow"):
        check_members(NAMES[1:], ours={NAMES[3]: "the escrow"})


def test_a_group_finds_its_address_again_in_any_order() -> None:
    assert multisig_seed(NAMES[:3], 0) == multisig_seed(NAMES[2::-1], 0)
    seeds = {multisig_seed(NAMES[:3], number) for number in range(16)}
    assert len(seeds | {multisig_seed(NAMES[1:], 0)}) == 17
    assert all(len(seed) == 32 for seed in seeds)
