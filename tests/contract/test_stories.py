"""Random stories, told twice: the same people do the same things in the same blocks.

Unlike the other tests of the contract, nobody wrote down how these end. Whatever a client can
ask afterwards must be the same on both chains, but for blockhashes and what they make of
signatures, and for the slots, of which each chain skips its own.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from tests.contract.payments import Batch, reclaim_receipt
from tests.contract.sides import (
    FINALITY_BLOCKS,
    FINALIZED,
    RENT,
    SOL,
    Fake,
    Side,
    StillServer,
    as_base64,
    signed,
)

STEPS = 40
AMOUNTS = (0, 1, RENT - 1, RENT, SOL, 4 * SOL)
BLOCKS = (0, 0, 1, 1, 2, 20, 60)
LEVELS = ("processed", "confirmed", "finalized")


@dataclass(kw_only=True)
class Story:
    """What is told on one side. Everything random is drawn alike on both."""

    side: Side
    luck: random.Random
    sent: list[VersionedTransaction] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = [Keypair.from_seed(self.luck.randbytes(32)) for _ in range(5)]
        self.side.fund(dict.fromkeys(self.people[:3], 8 * SOL))
        self.hashes = [self.side.blockhash()]

    def step(self) -> None:
        """Send something new or something old, or let blocks pass and look around."""
        luck, kind = self.luck, self.luck.randrange(10)
        if kind < 5:
            self._send(self._batch().attempt(luck.choice(self.hashes[-3:])))
        elif kind == 5:
            treasury = luck.choice(self.people[:3])
            self._send(signed([reclaim_receipt(treasury, "s0")], self.hashes[-1], treasury))
        elif kind == 6 and self.sent:
            self._send(luck.choice(self.sent))
        else:
            self.side.blocks(luck.choice(BLOCKS))
            self.hashes.append(self.side.blockhash())
            self.told.append(self.look())

    def _batch(self) -> Batch:
        luck = self.luck
        treasury, source = luck.choice(self.people[:3]), luck.choice(self.people[:3])
        payees = luck.sample(self.people, luck.randint(1, 4))
        return Batch(
            treasury=treasury,
            source=None if source is treasury else source,
            transfers=[(payee.pubkey(), luck.choice(AMOUNTS)) for payee in payees],
            seed=f"s{luck.randrange(6)}",
            price=luck.choice([0, 1_000, 1_000_000]),
        )

    def _send(self, transaction: VersionedTransaction) -> None:
        if transaction not in self.sent:
            self.sent.append(transaction)
        self.side.send(transaction)

    def look(self) -> dict[str, Any]:
        """Everything that a client can ask, without what the two chains may name differently."""
        side = self.side
        names = {str(item.signatures[0]): number for number, item in enumerate(self.sent)}
        statuses = side.value(
            "getSignatureStatuses", list(names), {"searchTransactionHistory": True}
        )
        addresses = [str(person.pubkey()) for person in self.people]
        settings = FINALIZED | {"encoding": "base64", "maxSupportedTransactionVersion": 0}
        return {
            "heights": [side.height(level) for level in LEVELS],
            "balances": [
                [side.balance(person.pubkey(), level) for person in self.people] for level in LEVELS
            ],
            "statuses": [status and {**status, "slot": None} for status in statuses],
            "listed": [
                [
                    (names.get(item["signature"]), item["err"], item["confirmationStatus"])
                    for item in side.call(
                        "getSignaturesForAddress", address, {"commitment": "confirmed"}
                    )
                ]
                for address in addresses
            ],
            "told": [
                told and {**told["meta"], "logMessages": None}
                for told in (
                    side.call("getTransaction", signature, settings) for signature in names
                )
            ],
            "rehearsed": [
                side.value(
                    "simulateTransaction",
                    as_base64(self.sent[-1 - number]),
                    {"encoding": "base64", "replaceRecentBlockhash": True, "commitment": level},
                )["err"]
                for number, level in enumerate(LEVELS)
                if number < len(self.sent)
            ],
        }


@pytest.mark.parametrize("seed", range(8))
def test_a_random_story_is_told_alike_on_both_chains(seed: int) -> None:
    server, fake = StillServer(), Fake()
    fake.blocks(server.height() - fake.height())
    stories = [Story(side=side, luck=random.Random(f"story {seed}")) for side in (server, fake)]
    for _ in range(STEPS):
        for story in stories:
            story.step()
    for story in stories:
        story.side.blocks(FINALITY_BLOCKS)
        story.told.append(story.look())
    for real, imitated in zip(*(story.told for story in stories), strict=True):
        assert imitated == real
    final = stories[0].told[-1]
    ends = [status and str(status["err"]) for status in final["statuses"]]
    assert "None" in ends, "somebody was paid"
    assert any(end is not None and end != "None" for end in ends), "and something failed"
    server.still.close()
