"""Goal: a user has exactly one address for ever, and money goes only where a person can hold it."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.sysvar import CLOCK, EPOCH_SCHEDULE, INSTRUCTIONS, RENT, SLOT_HASHES, STAKE_HISTORY

from pixr.domain.errors import BadDestination
from pixr.domain.wallets import (
    ESCROW_LABEL,
    RUNTIME_ADDRESSES,
    SYSTEM_PROGRAM,
    check_arrival,
    check_destination,
    check_destination_account,
    derive_keypair,
    wallet_label,
)
from tests.vectors import MASTER_SEED, WALLETS

RENT_LAMPORTS = 890_880
SOMEBODY = str(Keypair.from_seed(bytes(32)).pubkey())


@pytest.mark.parametrize(("user_id", "address"), WALLETS.items())
def test_the_published_vectors_hold(user_id: str, address: str) -> None:
    assert str(derive_keypair(MASTER_SEED, wallet_label(user_id)).pubkey()) == address


def test_the_escrow_is_nobodys_wallet() -> None:
    escrow = str(derive_keypair(MASTER_SEED, ESCROW_LABEL).pubkey())
    assert escrow == str(derive_keypair(MASTER_SEED, ESCROW_LABEL).pubkey())
    assert not ESCROW_LABEL.startswith(wallet_label(""))


def test_an_outside_wallet_may_be_paid() -> None:
    check_destination(SOMEBODY, ours={})
    check_destination_account(SOMEBODY, owner=SYSTEM_PROGRAM, is_executable=False, data_bytes=0)


OFF_CURVE = str(Pubkey.find_program_address([b"x"], Pubkey.from_string(SYSTEM_PROGRAM))[0])


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("", "base58"),
        ("not an address", "base58"),
        (SOMEBODY[:-1] + "0", "base58"),
        (SOMEBODY[:-1] + "O", "base58"),
        (SOMEBODY[:-1] + "l", "base58"),
        (" " + SOMEBODY, "base58"),
        (SOMEBODY + "\n", "base58"),
        ("1" * 31, "base58"),
        ("1" * 33, "base58"),
        ("z" * 44, "base58"),
        ("9" * 5000, "base58"),
        (OFF_CURVE, "curve"),
        (str(CLOCK), "sysvar"),
        (str(RENT), "sysvar"),
        (str(EPOCH_SCHEDULE), "sysvar"),
        (str(SLOT_HASHES), "sysvar"),
        (str(STAKE_HISTORY), "sysvar"),
        (str(INSTRUCTIONS), "sysvar"),
        ("Vote111111111111111111111111111111111111111", "runtime"),
        ("Stake11111111111111111111111111111111111111", "runtime"),
        ("ComputeBudget111111111111111111111111111111", "runtime"),
        ("BPFLoaderUpgradeab1e11111111111111111111111", "runtime"),
        ("AddressLookupTab1e1111111111111111111111111", "runtime"),
        ("KeccakSecp256k11111111111111111111111111111", "runtime"),
        ("Feature111111111111111111111111111111111111", "runtime"),
    ],
    ids=lambda value: f"{ascii(value)[:14]}-{len(value)}-{ascii(value)[-5:]}",
)
def test_an_address_that_nobody_holds_is_refused(address: str, rule: str) -> None:
    with pytest.raises(BadDestination, match=rule) as caught:
        check_destination(address, ours={})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("address", sorted(RUNTIME_ADDRESSES))
def test_every_known_address_of_the_runtime_is_refused(address: str) -> None:
    assert str(Pubkey.from_string(address)) == address
    with pytest.raises(BadDestination, match="is the"):
        check_destination(address, ours={})


def test_our_own_addresses_are_refused_by_name() -> None:
    with pytest.raises(BadDestination, match="is the treasury"):
        check_destination(SOMEBODY, ours={SOMEBODY: "the treasury"})


@pytest.mark.parametrize(
    ("owner", "is_executable", "data_bytes", "rule"),
    [
        (SYSTEM_PROGRAM, True, 0, "is a program"),
        (SYSTEM_PROGRAM, False, 80, "nonce"),
        ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", False, 165, "belongs to"),
        ("Stake11111111111111111111111111111111111111", False, 0, "belongs to"),
    ],
)
def test_an_account_that_is_no_wallet_is_refused(
    owner: str,
    is_executable: bool,  # noqa: FBT001 -- a table's column
    data_bytes: int,
    rule: str,
) -> None:
    with pytest.raises(BadDestination, match=rule):
        check_destination_account(
            SOMEBODY, owner=owner, is_executable=is_executable, data_bytes=data_bytes
        )


@pytest.mark.parametrize(("lamports", "present"), [(RENT_LAMPORTS, 0), (1, RENT_LAMPORTS)])
def test_an_amount_that_completes_the_rent_arrives(lamports: int, present: int) -> None:
    check_arrival(SOMEBODY, lamports, present_lamports=present)


def test_an_amount_below_the_rent_of_a_new_account_is_refused() -> None:
    with pytest.raises(BadDestination, match="at least 890880"):
        check_arrival(SOMEBODY, RENT_LAMPORTS - 1, present_lamports=0)
