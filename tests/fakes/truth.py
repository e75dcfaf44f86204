"""The chain as it really is, for the judge of a simulated run and for nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.chain import Landed
from tests.fakes.steps import CREATE_WITH_SEED, TRANSFER, TRANSFER_WITH_SEED
from tests.fakes.wire import SYSTEM

if TYPE_CHECKING:
    from tests.fakes.cluster import FakeCluster

_LAMPORTS_AT: Final = {TRANSFER: 4, TRANSFER_WITH_SEED: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """When any node first received a transaction."""

    signature: str
    number: int
    """Counts first receptions."""
    at_s: float
    slot: int
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTransaction:
    """One transaction that nothing can undo."""

    signature: str
    raw: bytes
    slot: int
    height: int
    error: Any
    """None, or the transaction error in JSON form."""
    fee_lamports: int
    payer: str
    changes: dict[str, int]
    """Lamports added to each address (negative: taken), the fee included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Lamports that one instruction of a final, successful transaction moved."""

    signature: str
    slot: int
    source: str
    target: str
    lamports: int
    instruction: int


class Truth:
    """Reads the finalized chain without lag, lies or forgetting."""

    def __init__(self, cluster: "FakeCluster") -> None:
        self._cluster = cluster
        self.seen: dict[str, Seen] = {}
        """Signature → its first reception by any node, dropped ones included."""

    @property
    def height(self) -> int:
        """The last final block's height."""
        return self._cluster.chain.root.height

    def balance(self, address: str) -> int:
        """Final lamports of an address."""
        account = self._cluster.chain.final_account(address)
        return account.lamports if account else 0

    def balances(self) -> dict[str, int]:
        """Final lamports of every address that was ever touched."""
        return dict(self._cluster.chain.balances())

    def landed(self) -> list[FinalTransaction]:
        """Every final transaction, oldest first."""
        return [_final(landed) for landed in self._cluster.chain.landed.values()]

    def find(self, signature: str) -> FinalTransaction | None:
        """One final transaction."""
        landed = self._cluster.chain.landed.get(signature)
        return None if landed is None else _final(landed)

    def is_alive(self, signature: str) -> bool:
        """Whether a received transaction may still become final: it has not, and is not dead."""
        seen = self.seen.get(signature)
        return seen is not None and self._cluster.may_land(seen.raw)

    def moves(self) -> Iterator[Move]:
        """Every movement of lamports by an instruction, fees left out, oldest first."""
        for landed in self._cluster.chain.landed.values():
            if landed.error is None:
                yield from _moves(landed)

    def received(self, address: str) -> int:
        """Lamports that final transactions moved to an address."""
        return sum(move.lamports for move in self.moves() if move.target == address)


def _final(landed: Landed) -> FinalTransaction:
    return FinalTransaction(
        signature=landed.wire.signature,
        raw=landed.wire.raw,
        slot=landed.slot,
        height=landed.height,
        error=landed.error,
        fee_lamports=landed.fee_lamports,
        payer=landed.keys[0],
        changes={
            key: after - before
            for key, before, after in zip(landed.keys, landed.before, landed.after, strict=True)
            if after != before
        },
    )


def _moves(landed: Landed) -> Iterator[Move]:
    for number, step in enumerate(landed.wire.steps):
        if landed.keys[step.program] != SYSTEM:
            continue
        tag = int.from_bytes(step.data[:4], "little")
        if tag == CREATE_WITH_SEED:
            seed_bytes = int.from_bytes(step.data[36:44], "little")
            offset, target = 44 + seed_bytes, step.accounts[1]
        else:
            offset = _LAMPORTS_AT[tag]
            target = step.accounts[2 if tag == TRANSFER_WITH_SEED else 1]
        yield Move(
            signature=landed.wire.signature,
            slot=landed.slot,
            source=landed.keys[step.accounts[0]],
            target=landed.keys[target],
            lamports=int.from_bytes(step.data[offset : offset + 8], "little"),
            instruction=number,
        )
