"""What to sign against, chosen from what several nodes say of it.

A node may lie about the last height at which its blockhash can land, in both directions. Too
high only costs time: we wait longer before we declare an attempt dead. Too low costs money: we
would sign again while the first attempt can still land. So the height is the highest of the
giver's claim and of each node's own height + 150, read *after* the blockhash was given; and what
lies more than ``CLAIM_BLOCKS_MAX`` above the median of those heights is left out, because a
batch would wait for it for ever.

One node alone could name a height that is past already, have the bytes to itself, and keep them
until the others have proved that they are dead. So two nodes must tell their height, where two
are configured (ADR-0020).

The nodes that do not lag give in turn: a hash that only its giver knows would keep every
payment from landing, if it were asked each time.

Nor is the slot the giver's own word: history that reaches back to it is what proves an expiry, so
one that is too high would let a node prove it that has forgotten everything. It is the median
of what the nodes say, of two the lower: no later than now while most of them are honest, and
no earlier than what an honest one said.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pixr.adapters.solana.errors import ChainUnreachable, NodeError, unreachable
from pixr.adapters.solana.values import Blockhash

BLOCKHASH_BLOCKS: Final = 150
"""So many blocks after its own a blockhash can be used."""
CLAIM_BLOCKS_MAX: Final = 300
"""A height that is said to be valid this far above the chain's own is a lie or a mistake."""
LAG_BLOCKS_MAX: Final = 20
"""A blockhash of a node that is further behind has little time left to land."""


def chosen(
    given: Sequence[Blockhash | NodeError],
    told: Sequence[int | NodeError],
    *,
    quorum: int,
    turn: int,
) -> Blockhash:
    """Choose the blockhash of one node, and what all of them make of it.

    Args:
        given: What each node that was asked gave, or why not.
        told: The confirmed height of each, read afterwards.
        quorum: How many of them must tell it.
        turn: Counts the calls.

    Raises:
        ChainUnreachable: No node gives both a blockhash and its height, or too few a height.
    """
    both = [
        (hash_, height)
        for hash_, height in zip(given, told, strict=True)
        if isinstance(hash_, Blockhash) and isinstance(height, int)
    ]
    if not both:
        raise unreachable([*given, *told])
    heights = [height for height in told if isinstance(height, int)]
    if len(heights) < quorum:
        raise ChainUnreachable(
            f"only {len(heights)} of the nodes tells its height; nothing is signed by the word"
            f" of one ({unreachable([*given, *told])})"
        )
    # Of two, the higher: one that lags must not make the other's truth a lie.
    median = statistics.median_high(heights)
    current = [hash_ for hash_, height in both if height >= median - LAG_BLOCKS_MAX]
    giver = (current or [both[0][0]])[turn % max(len(current), 1)]
    claims = [giver.last_valid_block_height, *(height + BLOCKHASH_BLOCKS for height in heights)]
    slots = [item.slot for item in given if isinstance(item, Blockhash)]
    return replace(
        giver,
        slot=statistics.median_low(slots),
        last_valid_block_height=max(
            claim for claim in claims if claim <= median + CLAIM_BLOCKS_MAX
        ),
    )
