"""What one node, or one hand in the database, must not be able to do alone."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from solders.keypair import Keypair

from pixr.adapters.solana import AccountView, Blockhash, ChainUnreachable, Solana
from tests.functions.batch.conftest import Settler

DUE = 19_000_000
TOKENS = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


class Liar(Solana):
    """Its first node calls an address a token account; what others say is true."""

    victim = ""
    is_shared = False

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        return self._lies(addresses, super().accounts(addresses))

    def accounts_of_each(self, addresses: Sequence[str]) -> list[list[AccountView | None]]:
        (truth,) = super().accounts_of_each(addresses)
        lie = self._lies(addresses, truth)
        return [lie, lie if self.is_shared else truth]

    def _lies(
        self, addresses: Sequence[str], views: Sequence[AccountView | None]
    ) -> list[AccountView | None]:
        known = next(view for view in views if view is not None)
        lie = replace(known, owner=TOKENS, data_bytes=165)
        pairs = zip(addresses, views, strict=True)
        return [lie if address == self.victim else view for address, view in pairs]


@pytest.fixture
def due(settler: Settler) -> list[str]:
    """Alice and Bob are owed 0.019 SOL each, and share a batch; returns their addresses."""
    addresses = [settler.user(name) for name in ("alice", "bob")]
    for name in ("alice", "bob"):
        settler.content(f"film-{name}", name)
        settler.watch(f"film-{name}", 1_000)
    return addresses


def rows(settler: Settler, table: str) -> list[str]:
    found = settler.db.execute(f"SELECT state FROM {table} ORDER BY state".encode())
    return [row["state"] for row in found]


def lying(settler: Settler, victim: str, *, is_shared: bool = False) -> Liar:
    liar = Liar([settler.chain.nodes[0].url])
    liar.victim, liar.is_shared = victim, is_shared
    return liar


def test_what_one_node_says_of_a_payee_puts_nobody_aside(settler: Settler, due: list[str]) -> None:
    honest = settler.chain
    settler.chain = lying(settler, due[0])
    report = settler.tick(seconds=5)
    assert list(report.broken.values()) == [
        "the nodes do not agree on what stands at its addresses"
    ]
    assert rows(settler, "batches") == ["PLANNED"]
    assert rows(settler, "payouts") == ["RESERVED", "RESERVED"]
    settler.chain = honest
    settler.tick()
    assert [settler.balance(address) for address in due] == [DUE, DUE]


def test_what_two_nodes_say_does(settler: Settler, due: list[str]) -> None:
    settler.chain = lying(settler, due[0], is_shared=True)
    settler.tick()
    assert rows(settler, "payouts") == ["PAID", "QUARANTINED"]


def test_a_batch_that_was_signed_before_is_never_taken_apart(
    settler: Settler, due: list[str]
) -> None:
    """Its first attempt is as dead as can be proved; another receipt would be no guard at all."""

    class Deaf(Solana):
        def send(self, raws: Sequence[bytes]) -> None:
            pass

        def blockhash(self) -> Blockhash:
            if rows(settler, "transactions"):
                raise ChainUnreachable("one attempt is enough")
            return super().blockhash()

    settler.chain = Deaf([settler.chain.nodes[0].url])
    for _ in range(20):
        settler.tick(seconds=4)
        if rows(settler, "transactions") == ["EXPIRED"]:
            break
    assert rows(settler, "batches") == ["PLANNED"]
    settler.chain = lying(settler, due[0], is_shared=True)
    settler.tick()
    row = settler.db.execute("SELECT state, hold_reason FROM batches").fetchone()
    assert row is not None
    assert row["state"] == "HOLD"
    assert row["hold_reason"].startswith("it was signed before, and cannot be signed again: the de")
    assert rows(settler, "payouts") == ["RESERVED", "RESERVED"]


@pytest.mark.parametrize("change", ["destination", "lamports"])
def test_a_row_that_was_changed_after_planning_is_not_signed(
    settler: Settler, due: list[str], change: str
) -> None:
    class Away(Solana):
        def blockhash(self) -> Blockhash:
            raise ChainUnreachable("nobody signs now")

    honest, settler.chain = settler.chain, Away([settler.chain.nodes[0].url])
    settler.tick()
    assert rows(settler, "batches") == ["PLANNED"]
    thief = str(Keypair().pubkey())
    if change == "destination":
        stolen = "UPDATE payouts SET destination = %s WHERE user_id = 'alice'"
        settler.db.execute(stolen, (thief,))
    else:  # the sum stays what the batch says
        settler.db.execute(
            "UPDATE payouts SET lamports = lamports + CASE user_id WHEN 'alice' THEN 1 ELSE -1 END"
        )
    settler.chain = honest
    settler.tick()
    row = settler.db.execute("SELECT state, hold_reason FROM batches").fetchone()
    assert row == {
        "state": "HOLD",
        "hold_reason": "the signer refused: its payouts are not those that its Merkle root was"
        " made of",
    }
    assert rows(settler, "transactions") == []
    assert settler.balance(thief) == 0
