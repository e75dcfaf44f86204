"""What can go wrong with the chain.

ChainUnreachable    no node gave a usable answer: an outage
HistoryTooLong      an address has more unseen transactions than one walk may list
└── HistoryForgotten    no node remembers back to where the last walk ended
NodeError           one node gave no usable answer
├── NoAnswer        nothing came back; Busy: HTTP 429 or 5xx
├── WrongShape      something came back that is not what was asked for
├── Refused         a JSON-RPC error object
├── BreakerOpen     it failed too often lately and was not asked
└── HistoryHole     its list does not join on to where the last walk ended
"""

from collections.abc import Sequence

from pixr.domain.errors import Outage


class ChainUnreachable(Outage):
    """No configured node gave a usable answer; nothing is known and nothing was changed."""

    part = "chain"


class HistoryTooLong(Exception):
    """An address has more unseen transactions than one walk may list: somebody floods it."""


class HistoryForgotten(HistoryTooLong):
    """No node that answers can list what came since the last walk without a gap."""


class NodeError(Exception):
    """One node did not answer, answered nonsense, or refused. Proves nothing."""

    at = ""
    """Host and port of the node, once it is known."""

    def __str__(self) -> str:
        """The reason, after the node's name."""
        reason = super().__str__()
        return f"{self.at}: {reason}" if self.at else reason


class HistoryHole(NodeError):
    """The node's list of an address ends before it joins on to where the last walk ended."""


def unreachable(told: Sequence[object]) -> ChainUnreachable:
    """What to raise when nodes told nothing but why they tell nothing."""
    return ChainUnreachable("; ".join(str(item) for item in told if isinstance(item, NodeError)))
