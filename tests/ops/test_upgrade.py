"""Goal: an operator can see, end and push an upgrade, and no money is lost or made by it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest

from pixr.adapters.postgres import Database, contents, upgrades
from pixr.ops.upgrading import letters
from pixr.ops.verification import verify
from tests.cloud import point_boto3_at, running_cloud
from tests.functions.batch.test_sweep import open_job
from tests.functions.batch.test_upgrades import funded, states
from tests.ops.conftest import Pixr, Settler

__all__ = ["funded"]


def row(db: Database, statement: str) -> dict[str, Any]:
    (found,) = db.execute(statement.encode()).fetchall()
    return found


def job_of(settler: Settler) -> str:
    return str(row(settler.db, "SELECT id FROM upgrade_jobs")["id"])


def audited(db: Database) -> list[tuple[str, str, str]]:
    found = db.execute("SELECT actor, action, subject FROM audit_log ORDER BY seq").fetchall()
    return [(line["actor"], line["action"], line["subject"]) for line in found]


def complete(db: Database, job_id: UUID, position: int) -> bool:
    return upgrades.complete_chunk(
        db,
        job_id=job_id,
        position=position,
        object_key=f"chunks/{position}",
        size_bytes=1,
        cpu_ms=1,
        now=datetime.now(UTC),
    )


def test_a_cancelled_upgrade_is_refunded_in_full_and_once(funded: Settler, pixr: Pixr) -> None:
    job_id = job_of(funded)
    words = ("upgrade", "cancel", job_id, "--reason", "not ours", "--actor", "Eve")
    result = pixr(*words)
    assert result.exit_code == 0, result.output
    again = pixr(*words)
    assert again.exit_code == 1
    assert "FAILED already: cancelled: not ours" in again.output
    funded.tick()
    funded.tick()
    assert states(funded) == ["REFUNDED", "REFUNDED"]
    for name in ("bob", "carol"):
        assert funded.balance(funded.keyring.seed.wallet(name).address) == 10**9
    assert [check for check in verify(funded.db, funded.chain) if check.differences] == []
    assert audited(funded.db)[-1] == ("Eve", "upgrade.cancelled", job_id)
    assert [action for _, action, _ in audited(funded.db)].count("upgrade.cancelled") == 1


def test_a_worker_that_comes_home_after_the_cancellation_changes_nothing(
    settler: Settler, pixr: Pixr
) -> None:
    job_id = open_job(settler.db, "ENCODING")
    assert complete(settler.db, job_id, 0) is False
    assert pixr("upgrade", "cancel", str(job_id), "--reason", "enough").exit_code == 0
    before = upgrades.get(settler.db, job_id)
    assert not any(complete(settler.db, job_id, position) for position in (1, 2))
    with settler.db.transaction():
        assert not upgrades.publish(
            settler.db, job_id, analysis=None, cpu_ms=1, now=datetime.now(UTC)
        )
    assert upgrades.get(settler.db, job_id) == before
    assert before is not None
    assert (before["state"], before["reason"]) == ("FAILED", "cancelled: enough")
    assert before["chunks_done"] == 1


def test_the_assembler_that_comes_too_late_publishes_nothing(settler: Settler, pixr: Pixr) -> None:
    job_id = open_job(settler.db, "ASSEMBLING")
    assert pixr("upgrade", "cancel", str(job_id), "--reason", "enough").exit_code == 0
    with settler.db.transaction():
        assert not upgrades.publish(
            settler.db, job_id, analysis=None, cpu_ms=1, now=datetime.now(UTC)
        )


def test_cancelling_an_upload_tells_its_owner(settler: Settler, pixr: Pixr) -> None:
    now = datetime.now(UTC)
    upload_id, job_id = uuid4(), uuid4()
    key = f"originals/film/{upload_id}/a.mp4"
    contents.create(settler.db, "film", "alice", now)
    contents.create_upload(
        settler.db,
        upload_id=upload_id,
        content_id="film",
        user_id="alice",
        object_key=key,
        now=now,
    )
    upgrades.open_base(
        settler.db, job_id=job_id, content_id="film", upload_id=upload_id, source_key=key, now=now
    )
    assert pixr("upgrade", "cancel", str(job_id), "--reason", "a wish").exit_code == 0
    upload = contents.get_upload(settler.db, upload_id)
    assert upload is not None
    assert (upload["state"], upload["reason"]) == ("rejected", "cancelled: a wish")


def test_a_job_is_asked_for_again_at_the_next_tick(funded: Settler, pixr: Pixr) -> None:
    job_id = job_of(funded)
    funded.db.execute("UPDATE upgrade_jobs SET restarts = 4, moved_at = now() - interval '1 day'")
    sent = list(funded.sent)
    result = pixr("upgrade", "retry", job_id, "--actor", "Eve")
    assert result.exit_code == 0, result.output
    # It stood still for a day, and is not swept besides.
    assert funded.tick().upgrades_pushed == []
    assert funded.sent == [*sent, ("upgrade.plan", {"job_id": job_id})]
    assert row(funded.db, "SELECT restarts FROM upgrade_jobs") == {"restarts": 0}
    assert audited(funded.db)[-1] == ("Eve", "upgrade.retried", job_id)
    assert pixr("upgrade", "cancel", job_id, "--reason", "x").exit_code == 0
    closed = pixr("upgrade", "retry", job_id)
    assert closed.exit_code == 1
    assert "FAILED already" in closed.output


def test_jobs_are_listed_and_one_is_told_whole(funded: Settler, pixr: Pixr) -> None:
    job_id = job_of(funded)
    listed = pixr("upgrade", "list")
    assert job_id in listed.output
    assert "QUEUED" in listed.output
    shown = pixr("upgrade", "show", job_id)
    assert f"job {job_id}: 1080p of film, 0 %" in shown.output
    assert "2,000,000 lamports in escrow, which is FUNDED" in shown.output
    other = open_job(funded.db, "ENCODING")
    complete(funded.db, other, 1)
    funded.db.execute("UPDATE upgrade_jobs SET analysis_before = %s", (json.dumps({"a": "1"}),))
    told = pixr("upgrade", "show", str(other)).output
    assert "chunks that are open: 0, 2" in told
    assert "analysis: 1 parts, afterwards not read again yet" in told
    for one in (job_id, str(other)):
        assert pixr("upgrade", "cancel", one, "--reason", "x").exit_code == 0
    assert "No upgrade job is open." in pixr("upgrade", "list").output
    assert "cancelled: x" in pixr("upgrade", "list", "--all").output


def test_where_there_is_no_job_that_is_said(settler: Settler, pixr: Pixr) -> None:
    assert "There is no upgrade job." in pixr("upgrade", "list", "--all").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("forget",), "There is no `pixr upgrade forget`"),
        (("show",), "needs the id of a job"),
        (("show", "x"), "is not the id of a job"),
        (("retry", "00000000-0000-0000-0000-000000000000"), "There is no job"),
        (("cancel", "00000000-0000-0000-0000-000000000000"), "The reason has 0 characters"),
        (("cancel", "x", "--reason", "y" * 1_001), "The reason has 1001 characters"),
    ],
)
def test_what_cannot_be_done_says_why(pixr: Pixr, words: tuple[str, ...], says: str) -> None:
    result = pixr("upgrade", *words)
    assert result.exit_code == 2, result.output
    assert says in result.output + result.stderr


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_cloud(Path(tmp_path_factory.mktemp("cloud"))) as endpoint:
        yield endpoint


@pytest.fixture
def queues(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Queues of dead letters, named as the stacks name them."""
    point_boto3_at(monkeypatch, cloud)
    sqs = boto3.client("sqs")
    names = {name: f"pixr-QueuesX-Queues{name}DeadLetters1A2B" for name in ("Plan", "Encode")}
    urls = {name: sqs.create_queue(QueueName=queue)["QueueUrl"] for name, queue in names.items()}
    yield urls
    for url in urls.values():
        sqs.delete_queue(QueueUrl=url)


def send(url: str, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=text)


def test_dead_letters_name_the_job_that_they_are_about(
    settler: Settler, pixr: Pixr, queues: dict[str, str]
) -> None:
    db = settler.db
    encoding, failed = open_job(db, "ENCODING"), open_job(db, "TUNING")
    upgrades.close(db, failed, "FAILED", "no space", now=datetime.now(UTC))
    send(queues["Encode"], {"job_id": str(encoding), "position": 2})
    send(queues["Plan"], {"job_id": str(failed)})
    send(queues["Plan"], {"Records": [{"s3": {"object": {"key": "originals/f%C3%BCr/x/a+b.mp4"}}}]})
    send(queues["Plan"], {"detail": {"userMetadata": {"job_id": str(uuid4())}}})
    send(queues["Plan"], "no JSON")
    send(queues["Plan"], {"other": 1})
    result = pixr("upgrade", "dead")
    assert result.exit_code == 0, result.output
    # A narrow terminal folds the cells; what matters is that each is there.
    output = "".join(result.output.split())
    for said in (
        str(encoding),
        "chunk2",
        "ENCODING",
        "720p",
        str(failed),
        "nospace",
        "nobodyexpectsthatfile",
        "thereisnosuchjob",
        "unreadable",
        "namesnojob",
    ):
        assert said in output or _folded(said, result.output), said
    # Looking takes nothing away.
    counted = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queues["Plan"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    assert sum(map(int, counted.values())) == 5


def test_a_letter_about_a_file_is_one_about_its_upload_or_its_job(db: Database) -> None:
    now = datetime.now(UTC)
    upload_id, job_id = uuid4(), uuid4()
    key = f"originals/film/{upload_id}/a b.mp4"
    contents.create(db, "film", "alice", now)
    contents.create_upload(
        db, upload_id=upload_id, content_id="film", user_id="alice", object_key=key, now=now
    )
    body = json.dumps({"Records": [{"s3": {"object": {"key": key.replace(" ", "+")}}}]})
    assert letters.read(db, body).cells == ("", "film", "", key, "upload expected", "")
    upgrades.open_base(
        db, job_id=job_id, content_id="film", upload_id=upload_id, source_key=key, now=now
    )
    assert letters.read(db, body).cells == (str(job_id), "film", "", key, "QUEUED", "")


@pytest.mark.parametrize(
    "body", ["", "[" * 100_000, "7", "null", '"a"', '{"job_id": 7}', '{"key": 1}']
)
def test_no_body_of_a_letter_is_too_strange(db: Database, body: str) -> None:
    assert letters.read(db, body).job == ""


def _folded(said: str, output: str) -> bool:
    """Whether a cell that was broken over lines holds it."""
    columns: dict[int, str] = {}
    for line in output.splitlines():
        for number, cell in enumerate(line.split("│")):
            columns[number] = columns.get(number, "") + cell.strip()
    return any(said in text.replace(" ", "") for text in columns.values())


def test_one_queue_can_be_named(settler: Settler, pixr: Pixr, queues: dict[str, str]) -> None:
    send(queues["Plan"], {"job_id": str(uuid4())})
    assert "No message waits" in pixr("upgrade", "dead", "--queue", queues["Encode"]).output
    gone = pixr("upgrade", "dead", "--queue", queues["Encode"] + "Gone")
    assert gone.exit_code == 2
    assert "do not answer" in gone.output + gone.stderr
