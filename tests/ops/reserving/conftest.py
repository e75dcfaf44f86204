"""Three members, an operator who pays, and a settler whose treasury they hold a reserve for."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import VersionedTransaction
from typer.testing import Result

from pixr.adapters.keys import Signer
from pixr.adapters.postgres import reserve
from pixr.adapters.postgres.reserve import Group
from pixr.domain.reserve import Holding, read_holding
from tests.ops.conftest import Pixr, Settler, chain_process, pixr, settler

__all__ = ["chain_process", "pixr", "settler"]

SOL = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everybody at one table, with their keys."""

    settler: Settler
    pixr: Pixr
    folder: Path
    payer: Keypair
    hot: Keypair

    @property
    def treasury(self) -> str:
        return str(self.hot.pubkey())

    def file(self, name: str, keypair: Keypair) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(list(bytes(keypair))))
        return path

    def people(self, *names: str) -> list[Keypair]:
        """Key pairs, each in a file of its name."""
        found = [Keypair() for _ in names]
        for name, keypair in zip(names, found, strict=True):
            self.file(name, keypair)
        return found

    def say(self, *words: str, says: str | None = None) -> Result:
        """Type `pixr treasury …` as the operator who pays."""
        pays = (
            () if words[0] in ("sign", "status") else ("--payer", str(self.folder / "payer.json"))
        )
        return self.pixr("treasury", *words, *pays, says=says)

    def done(self, *words: str) -> str:
        result = self.say(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *words: str) -> str:
        result = self.say(*words)
        assert result.exit_code == 2, result.output
        return result.stderr

    def init(self, members: Sequence[Keypair]) -> str:
        return self.done("init", *members_of(members))

    def signed(self, paper: Path, *names: str) -> Path:
        for name in names:
            self.done("sign", str(paper), "--key", str(self.folder / f"{name}.json"), "--yes")
        return paper

    def pass_(self, *words: str, names: Sequence[str] = ("ada", "ben")) -> str:
        """Propose something, have it signed, and send it."""
        number = len(list(self.folder.glob("paper-*")))
        paper = self.folder / f"paper-{number}.json"
        self.done(*words, "--out", str(paper))
        return self.done("send", str(self.signed(paper, *names)))

    def group(self) -> Group:
        found = reserve.in_state(self.settler.db, "LIVE")
        assert found is not None
        return found

    def holding(self) -> Holding:
        (account,) = self.settler.chain.contents([self.group().token_account])
        assert account is not None
        found = read_holding(account.owner, account.data)
        assert found is not None
        return found

    def land(self, steps: Sequence[Instruction], *signers: Keypair) -> str | None:
        """Send what no word of ours would send; the chain's own error, None when it did it."""
        chain = self.settler.chain
        blockhash = Hash.from_string(chain.blockhash().hash)
        message = Message.new_with_blockhash(steps, self.payer.pubkey(), blockhash)
        wanted = message.account_keys[: message.header.num_required_signatures]
        by_key = {key.pubkey(): key for key in (self.payer, *signers)}
        signatures = [by_key[key].sign_message(bytes(message)) for key in wanted]
        transaction = VersionedTransaction.populate(message, signatures)
        chain.send([bytes(transaction)])
        for _ in range(1_000):
            found = chain.transaction(str(transaction.signatures[0]))
            if found is not None:
                return found.error
            time.sleep(0.02)
        raise TimeoutError


def members_of(members: Sequence[Keypair]) -> list[str]:
    return [word for key in members for word in ("--member", str(key.pubkey()))]


@pytest.fixture
def table(settler: Settler, pixr: Pixr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    signer = settler.keyring.treasury
    assert isinstance(signer, Signer)
    hot = signer._keypair
    monkeypatch.setenv("STAGE", "local")
    monkeypatch.setenv("TREASURY_PRIVATE_KEY", base64.b64encode(bytes(hot)).decode())
    settler.tick()
    found = Table(settler=settler, pixr=pixr, folder=tmp_path, payer=Keypair(), hot=hot)
    found.file("payer", found.payer)
    settler.airdrop(str(found.payer.pubkey()), 60 * SOL)
    return found


@pytest.fixture
def trio(table: Table) -> list[Keypair]:
    """Ada, Ben and Cyd hold a reserve of 20 SOL."""
    members = table.people("ada", "ben", "cyd")
    table.init(members)
    table.done("fund", "--sol", "20")
    return members
