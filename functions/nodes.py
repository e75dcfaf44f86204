"""The nodes as those functions see them that answer people: of the pinned chain, and no other."""

from functools import cache

from pixr.adapters.postgres import Database, house
from pixr.adapters.solana import GENESIS_HASHES, Solana


def nodes_of(db: Database, rpc_urls: tuple[str, ...], network: str) -> Solana:
    """Return the nodes; connections are kept between requests.

    Args:
        db: Asked which chain it speaks of: money of another one would be booked as ours.
        rpc_urls: The nodes.
        network: Says which chain that is before the settler's first tick, if it has a name.
    """
    return _held_to(rpc_urls, house.chain(db) or GENESIS_HASHES.get(network))


@cache
def _held_to(rpc_urls: tuple[str, ...], genesis_hash: str | None) -> Solana:
    return Solana(rpc_urls, genesis_hash=genesis_hash)
