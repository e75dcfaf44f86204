"""Every SQL file is one statement that the migrated schema accepts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixr.adapters.postgres import Database, connect

ROOT = Path(__file__).parents[3] / "pixr" / "adapters" / "postgres" / "sql"
FILES = sorted(ROOT.rglob("*.sql"))


@pytest.fixture(scope="module")
def schema(make_database: Callable[[str], str], migrated_template: str) -> Iterator[Database]:
    """One migrated database for all statements: preparing changes nothing."""
    with connect(make_database(migrated_template)) as database:
        # The table that a drain copies into is made when its transaction begins.
        database.execute("SELECT begin_drain()")
        yield database


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_statement_prepares(schema: Database, path: Path) -> None:
    numbers: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

    text = re.sub(r"%\((\w+)\)s", numbered, path.read_text())
    schema.execute(f"PREPARE statement AS {text}".encode())
    schema.execute("DEALLOCATE statement")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_statement_says_why(path: Path) -> None:
    assert path.read_text().startswith("-- "), "open with a comment: why, and what it returns"


def test_every_statement_is_used() -> None:
    code = "".join(
        file.read_text()
        for folder in ("pixr", "functions")
        for file in sorted((ROOT.parents[3] / folder).rglob("*.py"))
    )
    names = [str(path.relative_to(ROOT).with_suffix("")) for path in FILES]
    assert [name for name in names if f'"{name}"' not in code] == []
