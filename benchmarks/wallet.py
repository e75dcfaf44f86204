"""Wallets derived per second of CPU: our one-HMAC derivation against solders' SLIP-10 path."""

from __future__ import annotations

import time
from collections.abc import Callable

from solders.keypair import Keypair

from benchmarks.catalogue import Sizes
from benchmarks.figures import Report, median_of, quotients
from pixr.domain.wallets import MASTER_SEED_BYTES, derive_keypair, wallet_label

MASTER_SEED = bytes(range(MASTER_SEED_BYTES))


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Derive ``sizes.derivations`` addresses in each way, in turns."""
    ours: list[float] = []
    solders: list[float] = []
    for turn in range(1, sizes.repeats + 1):
        tell(f"deriving, turn {turn} of {sizes.repeats}")
        ours.append(_per_s(_our_address, sizes.derivations))
        solders.append(_per_s(_solders_address, sizes.derivations))
    return Report(
        bench="wallet",
        conditions={"repeats": sizes.repeats, "derivations": sizes.derivations},
        figures=[
            median_of("derivations_per_s", "user id → base58 address", "/s", ours),
            median_of("solders_path_per_s", "baseline: solders, m/44'/501'/n'/0'", "/s", solders),
            median_of("vs_solders_path", "ours ÷ solders", "×", quotients(ours, solders)),
        ],
        remarks=("Per second of CPU time, on one core.",),
    )


def _our_address(number: int) -> str:
    return str(derive_keypair(MASTER_SEED, wallet_label(f"user-{number}")).pubkey())


def _solders_address(number: int) -> str:
    path = f"m/44'/501'/{number}'/0'"
    return str(Keypair.from_seed_and_derivation_path(MASTER_SEED, path).pubkey())


def _per_s(derive: Callable[[int], str], count: int) -> float:
    begun_s = time.process_time()
    for number in range(count):
        derive(number)
    return count / (time.process_time() - begun_s)
