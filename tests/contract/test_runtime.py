"""Random transactions run alike on the fake's small runtime and on LiteSVM.

A world of a dozen accounts in every state that rent knows; transactions of one to five
instructions between them, with amounts around every bound; the same error, the same fee,
the same units and the same balances on both.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from solders.account import Account as SolanaAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferParams,
    TransferWithSeedParams,
    create_account_with_seed,
    transfer,
    transfer_with_seed,
)
from solders.transaction import VersionedTransaction

from pixr.local.chain.runtime import Runtime
from tests.fakes.runtime import BUILT_IN, CLOCK, execute
from tests.fakes.values import Account
from tests.fakes.wire import MEMO, SYSTEM, decode

RENT = 890_880
AMOUNTS = (0, 1, 5_000, RENT - 1, RENT, RENT + 1, 2 * RENT, 10_000_000, 10**9, 2**63)
HOLDINGS = (0, 1, RENT - 1, RENT, RENT + 4_999, RENT + 5_000, RENT + 15_000, 10**7, 10**10)
PAYER_HOLDINGS = (*HOLDINGS, *(10**12 for _ in range(3 * len(HOLDINGS))))
LIMITS = (0, 149, 150, 449, 450, 737, 3_000, 2_000_000)
PRICES = (0, 1, 999, 1_000_000)
UNITS_OF_CHANCE = 5
SYSTEM_KEY = Pubkey.from_string(SYSTEM)
MEMO_KEY = Pubkey.from_string(MEMO)
SEEDS = ("", "a", "5Kd3NBUAdUnhyzen", "x" * 32)


@dataclass(kw_only=True)
class World:
    """The same accounts on both sides."""

    luck: random.Random
    svm: Runtime = field(default_factory=Runtime)
    fake: dict[str, Account] = field(default_factory=lambda: dict(BUILT_IN))
    people: list[Keypair] = field(default_factory=list)

    def put(self, address: Pubkey, account: Account) -> None:
        """Write an account on both sides; no lamports is no account."""
        owner = Pubkey.from_string(account.owner)
        exists = account.lamports > 0
        self.svm.put(
            address, SolanaAccount(account.lamports, account.data, owner) if exists else None
        )
        if exists:
            self.fake[str(address)] = account
        else:
            self.fake.pop(str(address), None)

    def keep(self, changes: Mapping[str, Account | None]) -> None:
        """Let the fake keep what a transaction changed, as LiteSVM does by itself."""
        for address, account in changes.items():
            if account is None:
                self.fake.pop(address, None)
            else:
                self.fake[address] = account

    def settle(self) -> None:
        """Give everybody something else to hold."""
        luck = self.luck
        for number, person in enumerate(self.people):
            holdings = PAYER_HOLDINGS if number == 0 else HOLDINGS
            self.put(person.pubkey(), Account(lamports=luck.choice(holdings)))
            for seed in SEEDS:
                receipt = Pubkey.create_with_seed(person.pubkey(), seed, SYSTEM_KEY)
                self.put(receipt, Account(lamports=luck.choice((0, 0, 1, RENT, 2 * RENT))))
        if luck.random() < 1 / 3:
            odd = self.people[-1].pubkey()
            owner = luck.choice([SYSTEM, MEMO])
            data = bytes(luck.choice([0, 10, 165]))
            self.put(odd, Account(lamports=luck.choice(HOLDINGS), owner=owner, data=data))

    def anybody(self) -> Pubkey:
        """An address, mostly of a person."""
        pick = self.luck.random()
        if pick < 1 / 20:
            return Pubkey.from_string(self.luck.choice([SYSTEM, CLOCK, MEMO]))
        if pick < 1 / 8:
            person = self.luck.choice(self.people).pubkey()
            return Pubkey.create_with_seed(person, self.luck.choice(SEEDS), SYSTEM_KEY)
        return self.luck.choice(self.people).pubkey()


def _transfer(world: World) -> Instruction:
    giver = world.luck.choice(world.people).pubkey()
    return transfer(
        TransferParams(
            from_pubkey=giver, to_pubkey=world.anybody(), lamports=world.luck.choice(AMOUNTS)
        )
    )


def _unsigned_transfer(world: World) -> Instruction:
    """Accounts with flags that no client would set."""
    luck = world.luck
    accounts = [
        AccountMeta(world.anybody(), is_signer=False, is_writable=luck.random() < 1 / 2)
        for _ in range(luck.randint(0, 3))
    ]
    data = luck.choice([2, 2, 3, 11]).to_bytes(4, "little") + luck.randbytes(luck.choice([0, 7, 8]))
    return Instruction(SYSTEM_KEY, data, accounts)


def _receipt(world: World) -> Instruction:
    luck = world.luck
    base, funder = luck.choice(world.people).pubkey(), luck.choice(world.people).pubkey()
    seed = luck.choice(SEEDS)
    derived = Pubkey.create_with_seed(base, seed, SYSTEM_KEY)
    return create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=luck.choice([base, funder]),
            to_pubkey=derived if luck.random() < 7 / 8 else world.anybody(),
            base=base,
            seed=seed,
            lamports=luck.choice(AMOUNTS),
            space=luck.choice([0, 0, 0, 8]),
            owner=SYSTEM_KEY,
        )
    )


def _reclaim(world: World) -> Instruction:
    luck = world.luck
    base = luck.choice(world.people).pubkey()
    seed = luck.choice(SEEDS)
    derived = Pubkey.create_with_seed(base, seed, SYSTEM_KEY)
    return transfer_with_seed(
        TransferWithSeedParams(
            from_pubkey=derived if luck.random() < 7 / 8 else world.anybody(),
            from_base=base,
            from_seed=seed,
            from_owner=SYSTEM_KEY,
            to_pubkey=world.anybody(),
            lamports=luck.choice((0, 1, RENT, RENT, 2 * RENT)),
        )
    )


def _memo(world: World) -> Instruction:
    text = "m" * world.luck.choice([0, 1, 10, 44, 88, 100, 150])
    return Instruction(MEMO_KEY, text.encode(), [])


KINDS: tuple[Callable[[World], Instruction], ...] = (
    _transfer,
    _transfer,
    _transfer,
    _receipt,
    _reclaim,
    _memo,
    _unsigned_transfer,
)


def _transaction(world: World) -> VersionedTransaction:
    luck = world.luck
    steps = [luck.choice(KINDS)(world) for _ in range(luck.randint(1, 5))]
    if luck.random() < 1 / 2:
        steps.insert(0, set_compute_unit_price(luck.choice(PRICES)))
    if luck.random() < 1 / 2:
        steps.insert(0, set_compute_unit_limit(luck.choice(LIMITS)))
    payer = world.people[0]
    message: Message | MessageV0
    if luck.random() < 1 / 4:
        message = MessageV0.try_compile(payer.pubkey(), steps, [], Hash.default())
    else:
        message = Message.new_with_blockhash(steps, payer.pubkey(), Hash.default())
    wanted = message.account_keys[: message.header.num_required_signatures]
    keys = {person.pubkey(): person for person in world.people}
    return VersionedTransaction(message, [keys[key] for key in wanted])


def _as_known(error: Any) -> Any:
    """The one known difference: a memo that runs out of units dies in one of two ways.

    Which one depends on where in the memo program the units end; the fake does not run it.
    """
    match error:
        case {"InstructionError": [int() as number, "ProgramFailedToComplete"]}:
            return {"InstructionError": [number, "ComputationalBudgetExceeded"]}
        case _:
            return error


@pytest.mark.parametrize("seed", range(12))
def test_random_transactions_end_alike(seed: int) -> None:
    luck = random.Random(seed)
    people = [Keypair.from_seed(luck.randbytes(32)) for _ in range(6)]
    world = World(luck=luck, people=people)
    ends: dict[str, int] = {}
    for number in range(150):
        world.settle()
        transaction = _transaction(world)
        real = world.svm.execute(transaction)
        ours = execute(decode(bytes(transaction)), world.fake.get)
        where = f"transaction {number} of seed {seed}: {transaction.message}"
        assert (ours.error, ours.landed) == (_as_known(real.error), real.landed), where
        assert ours.fee_lamports == real.fee_lamports, where
        assert list(ours.keys) == [str(key) for key in real.accounts.keys], where
        assert list(ours.after) == list(real.balances_after) or not real.landed, where
        # A memo's units depend a little on where its bytes lie in memory.
        assert abs(ours.units - real.compute_units) <= UNITS_OF_CHANCE, where
        world.keep(ours.changes)
        ends[str(real.error)] = ends.get(str(real.error), 0) + 1
    assert len(ends) >= 10, f"too few kinds of ends to prove anything: {ends}"
