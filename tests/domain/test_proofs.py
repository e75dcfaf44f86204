"""Every leaf proves itself against the root, and nothing else does."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pixr.domain import proofs

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20, unique=True)


@given(LEAVES)
def test_every_leaf_leads_to_the_root(leaves: list[bytes]) -> None:
    root = proofs.root(leaves)
    for position, leaf in enumerate(leaves):
        assert proofs.verify(leaf, proofs.path(leaves, position), root)


@given(LEAVES, st.binary(min_size=32, max_size=32))
def test_another_leaf_does_not(leaves: list[bytes], other: bytes) -> None:
    root = proofs.root(leaves)
    for position, leaf in enumerate(leaves):
        if other != leaf:
            assert not proofs.verify(other, proofs.path(leaves, position), root)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    leaves = [bytes([number]) * 32 for number in range(4)]
    left = proofs.root(leaves[:2])
    assert proofs.root([left, proofs.root(leaves[2:])]) == proofs.root(leaves)
    # The same digests, but a leaf is made with another first byte.
    made = proofs.leaf(
        payout_id=UUID(int=1), address=str(Pubkey.default()), lamports=1, salt=bytes(16)
    )
    assert made != left


def test_the_amount_and_the_address_are_in_the_leaf() -> None:
    def leaf(lamports: int, address: Pubkey) -> bytes:
        return proofs.leaf(
            payout_id=UUID(int=1), address=str(address), lamports=lamports, salt=bytes(16)
        )

    one = Pubkey.from_bytes(bytes([1]) * 32)
    assert len({leaf(1, one), leaf(2, one), leaf(1, Pubkey.default())}) == 3


def test_the_memo_is_forty_four_characters() -> None:
    assert len(proofs.memo(proofs.root([bytes(32)]))) == 44
