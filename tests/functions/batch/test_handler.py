"""The settler as Lambda runs it: environment in, EMF metrics out."""

import base64
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from solders.keypair import Keypair

from functions.batch import handler as batch
from functions.batch.drain import drain_once
from functions.settings import BadSettings, BatchSettings
from pixr.adapters.postgres import audit, house
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.local.chain import ChainProcess
from tests.functions.batch.conftest import RULES, Settler

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://x@127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1:1",
    "SOLANA_RPC_URL": "http://127.0.0.1:1,http://127.0.0.1:2",
    "MASTER_SEED_ARN": "arn:aws:secretsmanager:us-east-1:1:secret:a",
    "TREASURY_PRIVATE_KEY_ARN": "arn:aws:secretsmanager:us-east-1:1:secret:b",
    "PLAN_QUEUE_URL": "http://127.0.0.1/plan",
}


@pytest.fixture
def deployed(
    settler: Settler,
    chain_process: ChainProcess,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settler]:
    """The handler's environment, with its secrets where it looks for them."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    treasury = Keypair()
    settler.airdrop(str(treasury.pubkey()), 10**10)
    with mock_aws():
        secrets = boto3.client("secretsmanager", region_name="us-east-1")

        def keep(name: str, secret: bytes) -> str:
            text = base64.b64encode(secret).decode()
            return str(secrets.create_secret(Name=name, SecretString=text)["ARN"])

        for name, value in {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SOLANA_RPC_URL": chain_process.url,
            "MASTER_SEED_ARN": keep("seed", bytes(range(64))),
            "TREASURY_PRIVATE_KEY_ARN": keep("treasury", bytes(treasury)),
            "PLAN_QUEUE_URL": "http://127.0.0.1/plan",
        }.items():
            monkeypatch.setenv(name, value)
        batch.settings.cache_clear()
        batch.keyring.cache_clear()
        yield settler
        batch.settings.cache_clear()
        batch.keyring.cache_clear()


def invoke() -> dict[str, Any]:
    context = SimpleNamespace(
        function_name="batch",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:1:function:batch",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 55_000,
    )
    answer: dict[str, Any] = batch.handler({}, context)
    return answer


def figures(text: str) -> dict[str, Any]:
    """The metrics among the lines that the function printed."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if "_aws" in line:
            found |= json.loads(line)
    return found


def test_a_tick_pays_and_counts(deployed: Settler, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.db.execute(
        "INSERT INTO user_wallets VALUES"
        " ('alice', '5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G', 1, now())"
    )
    deployed.content("film", "alice")
    deployed.watch("film", 1_000)
    assert invoke()["paid"] == 1
    counted = figures(capsys.readouterr().out)
    assert counted["service"] == "batch"
    assert counted["Ticks"] == [1.0]
    assert counted["BatchSuccessRate"] == [100.0]
    assert counted["LedgerDrift"] == [0.0]
    assert counted["HoldBatches"] == [0.0]
    assert counted["ChainUnseen"] == [0.0]
    assert len(counted["TransactionSeconds"]) == 1
    assert counted["TreasuryLamports"][0] < 10**10


def test_the_error_of_an_estimate_is_counted(
    deployed: Settler, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.content("film", "alice", rung=1080)
    deployed.db.execute(
        "WITH job AS (INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, settings,"
        " state, chunks_total, estimate, actual, created_at, moved_at, closed_at)"
        " VALUES (gen_random_uuid(), 'film', 'funded', 1080, 'originals/x', '{}', 'PUBLISHED', 1,"
        """ '{"usd": "0.110"}', '{"usd": "0.100"}', now(), now(), now()) RETURNING id)"""
        " INSERT INTO fundings (content_id, rung, price_lamports, quote, funded_lamports,"
        " escrowed_lamports, state, job_id, opened_at)"
        " SELECT 'film', 1080, 2000000, '{}', 2000000, 2000000, 'FUNDED', id, now() FROM job"
    )
    invoke()
    assert figures(capsys.readouterr().out)["UpgradeCostError"] == [10.0]
    invoke()
    assert "UpgradeCostError" not in figures(capsys.readouterr().out)


def test_a_treasury_below_its_float_is_counted(
    deployed: Settler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    invoke()
    assert "TreasuryBelowFloat" not in figures(capsys.readouterr().out), "nobody watches it"
    monkeypatch.setenv("HOT_FLOAT_LAMPORTS", str(10**10 + 5))
    batch.settings.cache_clear()
    invoke()
    counted = figures(capsys.readouterr().out)
    assert counted["TreasuryBelowFloat"] == [1.0]
    assert counted["TreasuryMissingLamports"] == [5.0]


def test_a_tick_that_paid_is_told_in_the_log(
    deployed: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.db.execute(
        "INSERT INTO user_wallets VALUES"
        " ('alice', '5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G', 1, now())"
    )
    deployed.content("film", "alice")
    deployed.watch("film", 1_000)
    written = io.StringIO()
    monkeypatch.setattr(batch.logger.registered_handler, "stream", written)
    invoke()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (told,) = (line for line in lines if line["message"] == "settle.tick")
    assert told["verdicts"]["paid"] == 1
    assert (told["batches_sent"], told["broken"], told["batches_open"]) == (1, {}, 0)
    assert told.get("audit_head") is None


def test_every_tick_notes_the_head_of_the_audit_log(
    deployed: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.append(deployed.db, at=datetime.now(UTC), actor="a", action="b.c", subject="s", detail={})
    written = io.StringIO()
    monkeypatch.setattr(batch.logger.registered_handler, "stream", written)
    invoke()
    (line,) = (line for line in written.getvalue().splitlines() if "settle.tick" in line)
    row = deployed.db.execute("SELECT encode(hash, 'hex') AS hash FROM audit_log").fetchone()
    assert row is not None
    assert json.loads(line)["audit_head"] == f"1:{row['hash']}"


def test_a_chain_that_is_away_costs_nobody_a_view(
    deployed: Settler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SOLANA_RPC_URL", "http://127.0.0.1:9")
    deployed.user("alice")
    deployed.content("film", "alice")
    deployed.watch("film", 1_000)
    invoke()
    assert deployed.account("owed:alice") == 19_000_000
    assert "chain.unreachable" in [record.message for record in caplog.records]
    assert "Ticks" not in figures(capsys.readouterr().out)


def test_the_first_tick_settles_nothing_on_a_chain_that_nobody_names(
    deployed: Settler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nodes are of several chains: whose money it would be, nobody can tell."""

    def disagree(_: Solana) -> str:
        raise ChainUnreachable("the nodes are of several chains")

    deployed.db.execute(
        "INSERT INTO user_wallets VALUES"
        " ('alice', '5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G', 1, now())"
    )
    deployed.content("film", "alice")
    deployed.watch("film", 1_000)
    with monkeypatch.context() as patched:
        patched.setattr(Solana, "genesis_hash", disagree)
        assert invoke() == {"rounds": 0, "sent": 0}
    assert house.chain(deployed.db) is None
    assert deployed.account("owed:alice") == 19_000_000
    assert deployed.account("treasury") == 0
    assert "Ticks" not in figures(capsys.readouterr().out)
    # When they agree again it is pinned, and paid.
    assert invoke()["paid"] == 1
    assert house.chain(deployed.db) == deployed.chain.genesis_hash()


def test_a_stream_that_is_away_keeps_nobody_from_being_paid(
    deployed: Settler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deployed.db.execute(
        "INSERT INTO user_wallets VALUES"
        " ('alice', '5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G', 1, now())"
    )
    deployed.content("film", "alice")
    deployed.watch("film", 1_000)
    drain_once(
        deployed.db,
        deployed.stream,
        rules=RULES,
        drain_id=uuid4(),
        consumer="before",
        now=datetime.now(UTC),
    )
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")
    assert invoke()["paid"] == 1
    assert "stream.unreachable" in [record.message for record in caplog.records]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BATCH_SIZE", "0", "BATCH_SIZE: Input should be greater than or equal to 1"),
        ("BATCH_SIZE", "10000", "BATCH_SIZE: Input should be less than or equal to 1000"),
        ("MIN_BATCH_AMOUNT", "0.0008", "MIN_BATCH_AMOUNT: Input should be greater than or equal"),
        ("MIN_BATCH_AMOUNT", "x", "MIN_BATCH_AMOUNT: Input should be a valid decimal"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL: "),
        ("MASTER_SEED_ARN", "the-seed-itself", "MASTER_SEED_ARN: Value error, must be the"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings) as refusal:
        BatchSettings.read({**ENVIRONMENT, name: value})
    assert said in str(refusal.value)
    assert "the-seed-itself" not in str(refusal.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(BadSettings, match="REDIS_URL: Field required"):
        BatchSettings.read({k: v for k, v in ENVIRONMENT.items() if k != "REDIS_URL"})


def test_the_nodes_are_a_list() -> None:
    assert BatchSettings.read({**os.environ, **ENVIRONMENT}).rpc_urls == (
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    )
