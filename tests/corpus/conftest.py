"""One studio for a whole file of tests: contents are told apart by the names of their cases."""

import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from pixr.local.postgres import Postgres
from tests.clips import numbered
from tests.cloud import point_boto3_at, running_cloud
from tests.corpus.case import CHEAP, Clips, Outside
from tests.corpus.watching import Opens, Port
from tests.functions.reprocess.conftest import Studio, functions_at, record

DELIVERIES_MAX = 3
"""As the queues have it; what fails as often ends among the dead letters."""

ROUNDS_MAX = 8


class Line(Studio):
    """The studio, with its queues' redelivery."""

    def deliver(self, name: str, message: dict[str, Any]) -> int:
        """Hand a message over until it is taken; how many deliveries failed.

        Three are a dead letter.
        """
        for attempt in range(1, DELIVERIES_MAX + 1):
            if self.run(name, [record(message["body"], attempt=attempt)]) == []:
                return attempt - 1
        return DELIVERIES_MAX

    def drain(self) -> dict[str, int]:
        """Work off all queues; the worst number of failed deliveries of each."""
        worst = dict.fromkeys(("plan", "encode", "assemble"), 0)
        for _ in range(ROUNDS_MAX):
            handed = 0
            for name in worst:
                for message in self.receive(name):
                    worst[name] = max(worst[name], self.deliver(name, message))
                    handed += 1
            if handed == 0:
                return worst
        raise AssertionError("the queues do not come to rest")

    def last_job(self, content_id: str) -> DictRow:
        return self.jobs(content_id)[-1]


@dataclass(frozen=True)
class Watched:
    """The canary and the port."""

    outside: Outside
    file: Opens
    port: Port


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Generator[Watched]:
    """A clip that could be played, if anything could reach it."""
    path = numbered(tmp_path_factory.mktemp("canary") / "canary.ts", seconds=1, audio=CHEAP)
    port = Port(path.read_bytes())
    file = Opens(path)
    url = f"http://127.0.0.1:{port.number}/canary.ts"
    yield Watched(Outside(file=path, url=url), file, port)
    file.close()
    port.close()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, watched: Watched) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"), watched.outside)


@pytest.fixture(scope="module")
def line(
    cloud: str,
    postgres: Postgres,
    make_database: Callable[[str], str],
    migrated_template: str,
) -> Generator[Line]:
    url = make_database(migrated_template)
    with pytest.MonkeyPatch.context() as patch:
        point_boto3_at(patch, cloud)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as db:
            line = Line(db)
            with functions_at(line, url, patch):
                line.drain()  # S3 tries out the notification when it is set up
                yield line
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        database = sql.Identifier(url.rpartition("/")[2])
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """The only folder where the pipeline may write, and nothing may stay in it."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.chdir(folder)
    yield folder
    assert list(folder.iterdir()) == [], "left in the temporary folder"
