"""A Solana for one machine: the real runtime behind a JSON-RPC server of our own.

    client ──HTTP──▶ server ──▶ rpc ──▶ methods_*  ──▶ chain ──▶ runtime (LiteSVM)
    client ──WS────▶ subscriptions ─────────────────┘    └────▶ ledger  (SQLite)

LiteSVM executes transactions exactly as mainnet does, but knows one blockhash
and no blocks. ``chain`` adds what makes payments hard: slots, a blockhash window,
three commitment levels, transactions that are taken and never land, history.

Left out: forks, block compute limits, token balances in a
transaction's metadata, and every method that settlement has no use for.

Start it with ``python -m pixr.local.chain``, or in a test:

    with running_chain(slot_ms=20) as chain:
        ... chain.url ...
"""

from pixr.local.chain.process import ChainDidNotStart, ChainProcess, running_chain

__all__ = ["ChainDidNotStart", "ChainProcess", "running_chain"]
