"""How much goes wrong: probabilities and sizes, each off by default.

``CALM`` is a cluster of honest nodes without lag. ``Troubles.drawn(luck)`` mixes some
troubles and leaves others out, because a run in which everything fails all the time never
reaches the interesting states.
"""

import random
from dataclasses import dataclass
from typing import Final

LONG_PAUSE_SLOTS: Final = 170
"""More than a blockhash lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """What may go wrong. A probability is per call of a node unless it says otherwise."""

    # Time passes inside calls.
    pause_slots_max: int = 0
    """Slots that pass on each side of a call, at most."""
    long_pause: float = 0.0
    """That ``LONG_PAUSE_SLOTS`` pass before a call is answered."""

    # The network between us and a node.
    outage: float = 0.0
    """That a node stops answering."""
    blackout: float = 0.0
    """That all nodes stop answering."""
    outage_slots_max: int = 300
    too_many_requests: float = 0.0
    unavailable: float = 0.0
    garbage: float = 0.0
    """HTTP 200 with HTML, half of the JSON, or JSON that answers something else."""
    half_answer: float = 0.0
    """Lists arrive with fewer values than were asked for."""
    twisted: float = 0.0
    """One number or text in the answer is nonsense: negative, a float, too large, no base58."""
    answer_lost: float = 0.0
    """The node did what was asked; the caller hears a timeout."""
    server_error: float = 0.0
    """JSON-RPC -32005 or -32603, without data, instead of an answer."""

    # What becomes of a sent transaction.
    send_dropped: float = 0.0
    """Accepted with a smile and forgotten."""
    send_error_after_accept: float = 0.0
    """Taken, then answered with a timeout, a 500, -32002 or -32005 without data."""
    send_late: float = 0.0
    """Held back, up to the last block that still takes it."""
    send_twice: float = 0.0
    """Delivered again later."""
    simulation_leaks: float = 0.0
    """A node sends what it was only asked to simulate, if it is signed."""

    # What a node knows.
    lag_slots_max: int = 0
    """Each node draws its own lag."""
    lag_jitter: float = 0.0
    """That one answer is as of yet another bank: a load balancer that is not monotonic."""
    index_lag_slots_max: int = 0
    """How far transactions and lists of signatures are behind statuses and accounts, per node."""
    forgets: float = 0.0
    """That a node loses its history up to now, as after a restart from a snapshot."""
    hides_forgetting: float = 0.0
    """Per node: it claims to have every block since genesis all the same."""
    holes: float = 0.0
    """Share of the blocks that a node lacks in its history, each node other ones."""
    has_liar: bool = False
    """One node, and never the only one, tells heights that are too high or too low, and now
    and then a blockhash that it made up."""
    lie_blocks_max: int = 400
    has_foreigner: bool = False
    """One node, and never the only one, belongs to another cluster. No liar beside it."""

    # The chain itself; probabilities are per slot.
    slot_ms: int = 400
    halt: float = 0.0
    """That no slot follows for a while, though time passes and nodes answer."""
    halt_s_max: float = 600.0
    skip: float = 0.05
    fork: float = 0.0
    fork_blocks_max: int = 25
    """How deep below the tip; more than 30 only while finality has stopped."""
    fork_ends: float = 0.15
    fork_returns: float = 0.5
    """Per transaction: that one from a dead branch is offered to the living one."""
    stall: float = 0.0
    """That finality stops for a while."""
    stall_blocks_max: int = 200
    spike: float = 0.0
    """That block space gets dear for a while."""
    odd_letters: float = 0.0
    """Per airdrop: that it comes as a v0 message, in two parts, or after one that failed."""
    crowding: float = 0.0
    """Per dear block and cheaper bid: that it waits for the next block."""
    spike_slots_max: int = 300
    spike_price_max: int = 50_000_000
    """Micro-lamports per compute unit."""

    @classmethod
    def drawn(cls, luck: random.Random) -> "Troubles":
        """Mix troubles at random, each with a probability that is often small."""

        def some(most: float) -> float:
            """Nothing in half of the draws, else mostly a little."""
            return most * luck.random() ** 2 if luck.random() < 1 / 2 else 0.0

        bad_node = luck.choice(["none", "none", "liar", "foreigner"])
        return cls(
            pause_slots_max=luck.choice([0, 1, 3, 10]),
            long_pause=some(0.02),
            outage=some(0.05),
            blackout=some(0.01),
            outage_slots_max=luck.choice([10, 100, 400]),
            too_many_requests=some(0.3),
            unavailable=some(0.2),
            garbage=some(0.2),
            half_answer=some(0.2),
            twisted=some(0.2),
            answer_lost=some(0.2),
            server_error=some(0.2),
            send_dropped=some(0.9),
            send_error_after_accept=some(0.8),
            send_late=some(0.9),
            send_twice=some(0.5),
            simulation_leaks=some(0.1),
            lag_slots_max=luck.choice([0, 0, 5, 40, 200]),
            lag_jitter=some(0.3),
            index_lag_slots_max=luck.choice([0, 0, 5, 100]),
            forgets=some(0.03),
            hides_forgetting=luck.choice([0.0, 0.0, 0.5, 1.0]),
            holes=some(0.5),
            has_liar=bad_node == "liar",
            has_foreigner=bad_node == "foreigner",
            slot_ms=luck.choice([50, 200, 400, 400, 1_600]),
            halt=some(0.002),
            odd_letters=some(1.0),
            skip=luck.choice([0.0, 0.05, 0.4]),
            fork=some(0.1),
            fork_blocks_max=luck.choice([1, 5, 30, 150]),
            fork_ends=luck.choice([0.05, 0.2, 0.5]),
            fork_returns=luck.choice([0.0, 0.5, 1.0]),
            stall=some(0.01),
            spike=some(0.02),
            crowding=luck.choice([0.0, 0.5, 0.98]),
            spike_price_max=luck.choice([1_000, 1_000_000, 1_000_000_000]),
        )


CALM: Final = Troubles()
"""Nothing goes wrong; one slot in twenty is skipped, as on mainnet."""
