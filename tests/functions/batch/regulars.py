"""A town of creators who are paid often enough to stand in a lookup table."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from pixr.adapters.solana import AccountView, Solana
from pixr.domain import lookup_tables as rules
from pixr.domain.packing import PAYEES_FULL
from pixr.domain.payouts import Passes, Rehearsal
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler

REGULARS = 3 * PAYEES_FULL
"""They fill three plain transactions, so that each payment of each of them counts."""

VIEWS = 50
DUE = 950_000


class Crash(BaseException):
    """The process died here; no handler of ours runs any more."""


def make_town(settler: Settler) -> Settler:
    """A settler that uses tables, with as many creators as there are regulars."""
    settler.terms = replace(settler.terms, minimum_lamports=900_000, lookup_tables=True)
    add_creators(settler, REGULARS)
    return settler


def add_creators(settler: Settler, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        settler.user(f"creator-{number}")
        settler.content(f"film-{number}", f"creator-{number}")


def earn(settler: Settler, day: str, count: int = REGULARS, first: int = 0) -> None:
    for number in range(first, first + count):
        settler.watch(f"film-{number}", VIEWS, day=day)


def sizes(settler: Settler) -> list[tuple[str, int, str]]:
    """(form, payees, state) of every payment, oldest first."""
    rows = settler.db.execute(
        "SELECT table_address, payees, state FROM batches WHERE kind = 'earnings'"
        " ORDER BY planned_at, payees DESC, id"
    )
    return [
        ("v0" if row["table_address"] else "legacy", row["payees"], row["state"]) for row in rows
    ]


def entries(settler: Settler) -> int:
    row = settler.db.execute("SELECT count(*) AS n FROM lookup_entries WHERE is_usable").fetchone()
    assert row is not None
    return int(row["n"])


def extensions(settler: Settler) -> list[str]:
    rows = settler.db.execute("SELECT state FROM batches WHERE kind = 'table' ORDER BY planned_at")
    return [row["state"] for row in rows]


def table_states(settler: Settler) -> list[str]:
    rows = settler.db.execute("SELECT state FROM lookup_tables ORDER BY created_at")
    return [row["state"] for row in rows]


def is_clean(settler: Settler) -> bool:
    differences = [
        item for check in verify(settler.db, settler.chain) for item in check.differences
    ]
    assert differences == []
    return True


def paid_in_all(settler: Settler, times: int, count: int = REGULARS) -> bool:
    """Every creator got everything, on chain and in the ledger, exactly so many times."""
    for number in range(count):
        user = f"creator-{number}"
        on_chain = settler.balance(settler.keyring.seed.wallet(user).address)
        assert on_chain == settler.account(f"wallet:{user}") == times * DUE
    return True


def table_address(settler: Settler) -> str:
    row = settler.db.execute(
        "SELECT address FROM lookup_tables WHERE state <> 'ABANDONED'"
    ).fetchone()
    assert row is not None
    return str(row["address"])


def make_tabled(town: Settler, monkeypatch: pytest.MonkeyPatch) -> Settler:
    """The town after two paydays and two extensions: 46 of the 48 stand in a table.

    Capital costs nothing here, or it would take eight paydays.
    """
    monkeypatch.setattr(rules, "CAPITAL_BPS_PER_YEAR", 0)
    for day in ("a", "b"):
        earn(town, day)
        town.tick()
    for _ in range(2):
        town.tick()
    assert entries(town) == 2 * rules.ADDRESSES_PER_EXTENSION
    assert sizes(town) == [("legacy", PAYEES_FULL, "FINALIZED")] * 6
    return town


def url(settler: Settler) -> str:
    return settler.chain.nodes[0].url


def honest(settler: Settler) -> Solana:
    return Solana([url(settler)])


class Mute(Solana):
    """The bytes never arrive."""

    def __init__(self, settler: Settler) -> None:
        super().__init__([url(settler)])

    def send(self, raws: Sequence[bytes]) -> None:
        """Drop them."""


class Deadly(Solana):
    """The process dies at one send, before the bytes leave or after."""

    def __init__(self, settler: Settler, *, sends: bool) -> None:
        super().__init__([url(settler)])
        self.sends = sends

    def send(self, raws: Sequence[bytes]) -> None:
        if self.sends:
            super().send(raws)
        raise Crash


class Careless(Solana):
    """Sees every account as rich and refuses nothing before it is sent."""

    def __init__(self, settler: Settler, poor: str) -> None:
        super().__init__([url(settler)])
        self.poor = poor

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        rich = AccountView(
            lamports=10**9,
            owner="11111111111111111111111111111111",
            is_executable=False,
            data_bytes=0,
            slot=0,
        )
        found = super().accounts(addresses)
        pairs = zip(addresses, found, strict=True)
        return [rich if address == self.poor else view for address, view in pairs]

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        return [Passes() for _ in raws]


def empty(settler: Settler, user: str) -> None:
    """The owner of a wallet takes everything out of it."""
    wallet = settler.keyring.seed.wallet(user)
    owner = Pubkey.from_string(wallet.address)
    blockhash = Hash.from_string(settler.chain.blockhash().hash)
    leave = transfer(
        TransferParams(
            from_pubkey=owner,
            to_pubkey=Keypair().pubkey(),
            lamports=settler.balance(wallet.address) - 5_000,
        )
    )
    message = Message.new_with_blockhash([leave], owner, blockhash)
    settler.chain.send([bytes(Transaction.populate(message, [wallet.sign(bytes(message))]))])
    settler.wait_until(lambda: settler.chain.account(wallet.address) is None)
