"""Where a refill finds the treasury's key: the machine's own directory, or KMS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from solders.keypair import Keypair

from functions.batch.keyring import Keyring
from pixr.adapters.keys import load_treasury
from pixr.local.home import Home
from pixr.ops.places import Places
from pixr.ops.reserving import refill
from tests.cloud import point_boto3_at, running_cloud
from tests.kms import import_treasury
from tests.ops.conftest import Pixr, Settler
from tests.ops.reserving.conftest import SOL, Table


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


def test_a_machine_has_its_key_in_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TREASURY_PRIVATE_KEY", "TREASURY_PRIVATE_KEY_ARN"):
        monkeypatch.delenv(name, raising=False)
    wanted = str(Home(path=tmp_path).treasury().pubkey())
    where = Places(database_url="", rpc_urls=(), machine=None, home=tmp_path)
    assert refill.treasury_key(where).address == wanted


def test_a_key_in_kms_signs_as_the_delegate(
    settler: Settler, pixr: Pixr, cloud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_boto3_at(monkeypatch, cloud)
    hot, payer = Keypair(), Keypair()
    arn = import_treasury(hot)
    settler.keyring = Keyring(seed=settler.keyring.seed, treasury=load_treasury(arn))
    monkeypatch.setenv("TREASURY_PRIVATE_KEY_ARN", arn)
    table = Table(settler=settler, pixr=pixr, folder=tmp_path, payer=payer, hot=hot)
    table.file("payer", payer)
    settler.airdrop(table.treasury, SOL)
    settler.airdrop(str(payer.pubkey()), 10 * SOL)
    settler.tick()
    table.init(table.people("ada", "ben", "cyd"))
    table.done("fund", "--sol", "5")
    table.pass_("propose", "allow", "--sol", "3")
    table.done("refill", "--sol", "2")
    assert settler.balance(table.treasury) == 3 * SOL
