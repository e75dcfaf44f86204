"""The commands of docs/treasury.md, typed in their order by a shell, from the first key on."""

import os
import re
import subprocess
import sys
from pathlib import Path

from solders.keypair import Keypair

from tests.ops.reserving.conftest import SOL, Table

ROOT = Path(__file__).parents[3]
BLOCKS = re.findall(
    r"^```sh runbook\n(.*?)^```$", (ROOT / "docs/treasury.md").read_text(), re.MULTILINE | re.DOTALL
)
KEYS = 2
"""So many blocks make the first keys; then the payer needs SOL."""
TIMEOUT_S = 300


def typed(blocks: list[str], folder: Path) -> str:
    """Run the blocks in one shell, which knows what the ones before have set."""
    lines = [
        "set -eu",
        f'pixr() {{ "{sys.executable}" -m pixr.ops.cli "$@"; }}',
        "if [ -f known.sh ]; then . ./known.sh; fi",
        *blocks,
        "set | grep -E '^[A-Z]{3,5}=[1-9A-HJ-NP-Za-km-z]{32,44}$' > known.sh",
    ]
    result = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_runbook_works_as_it_is_written(table: Table) -> None:
    (table.folder / "payer.json").unlink()
    typed(BLOCKS[:KEYS], table.folder)
    payer = Keypair.from_json((table.folder / "payer.json").read_text())
    table.settler.airdrop(str(payer.pubkey()), 11 * SOL)
    before = table.settler.balance(table.treasury)
    said = typed(BLOCKS[KEYS:], table.folder)
    assert "WRONG" not in said
    assert table.settler.balance(table.treasury) == before + 3 * SOL
    assert table.holding().lamports == 7 * SOL
    assert table.holding().delegate is None
    assert len(table.group().members) == 3
    report = table.settler.tick()
    assert (report.paused, report.deposited_lamports) == (None, 3 * SOL)
    assert oct((table.folder / "ada.json").stat().st_mode) == "0o100600"
