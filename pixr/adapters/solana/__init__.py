"""Solana over JSON-RPC: several nodes, and answers that say what they are worth.

    Solana (chain)      the nodes together: reads, proofs, sends
    ├── sightings       what one node knows of many batches
    ├── history         lists of signatures, whole transactions
    ├── refusals        whose fault a transaction error is
    └── Node            JSON-RPC, genesis, retries, breaker; answers reads shapes
        └── Transport   one POST, bounded in time and bytes

Methods that a node is asked: getGenesisHash, getEpochInfo, getSlot, getBlockHeight,
getFirstAvailableBlock, getSignatureStatuses, getMultipleAccounts, getSignaturesForAddress,
getTransaction, getLatestBlockhash, getRecentPrioritizationFees, simulateTransaction,
sendTransaction.
"""

from pixr.adapters.solana.chain import Solana
from pixr.adapters.solana.errors import (
    ChainUnreachable,
    HistoryForgotten,
    HistoryTooLong,
    NodeError,
)
from pixr.adapters.solana.node import Node
from pixr.adapters.solana.transport import HttpTransport, Transport, TransportFailed
from pixr.adapters.solana.values import (
    GENESIS_HASHES,
    AccountContent,
    AccountView,
    Balance,
    Blockhash,
    Listing,
    SignatureRecord,
    TransactionView,
)

__all__ = [
    "GENESIS_HASHES",
    "AccountContent",
    "AccountView",
    "Balance",
    "Blockhash",
    "ChainUnreachable",
    "HistoryForgotten",
    "HistoryTooLong",
    "HttpTransport",
    "Listing",
    "Node",
    "NodeError",
    "SignatureRecord",
    "Solana",
    "TransactionView",
    "Transport",
    "TransportFailed",
]
