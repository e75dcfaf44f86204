"""The pages say what the code does: whatever they name exists, and whatever must be named is."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from functions.edge import gateway_problem
from functions.http import STATUS
from pixr.adapters.postgres.migrate import migrations
from pixr.adapters.postgres.verification import CHECKS
from pixr.domain.errors import Refusal
from pixr.local.deploy import FUNCTIONS, QUEUES
from pixr.ops.cli import Words, app
from pixr.ops.verification import CHAIN_CHECKS

ROOT = Path(__file__).parents[1]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_TIMEOUT_S = 60

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
# A path below a folder of ours, or a file that says by its ending what it is.
PATH = re.compile(
    r"(?:\.ci|pixr|functions|infra|layers|tests|docs|events|requirements|benchmarks)(?:/[\w.-]+)+/?"
    r"|[\w.-]+\.(?:py|sql|md|toml|mjs|txt)"
    r"|cdk\.json|package(?:-lock)?\.json|Makefile|\.npmrc"
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}.*$", page, re.MULTILINE)
    assert found, f"no heading {heading!r}"
    rest = page[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def headings(page: str, level: int) -> set[str]:
    """Names in the headings of a level, without backticks and what is said in brackets."""
    found = re.findall(rf"^#{{{level}}} `?([\w-]+)", page, re.MULTILINE)
    assert len(found) == len(set(found)), "a heading stands twice"
    return set(found)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code(page: str) -> Iterator[str]:
    """Everything on a page that is set as code."""
    yield from (block for _, block in FENCE.findall(page))
    yield from SPAN.findall(FENCE.sub("", page))
    yield from re.findall(r"^ {4}(\S.*)$", page, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(page.read_text())]
    local = [target for target in targets if target and "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_exists(page: Path) -> None:
    spans = SPAN.findall(FENCE.sub("", page.read_text()))
    named = [span for span in spans if PATH.fullmatch(span)]
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = {span for span in SPAN.findall(page.read_text()) if re.fullmatch(r"test_\w+", span)}
    if named:
        tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
        assert [name for name in named if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "Makefile"], ids=name_of)
def test_every_command_exists(page: Path) -> None:
    text = page.read_text()
    pieces = list(code(text)) if page.suffix == ".md" else [text]
    targets = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE))
    for piece in pieces:
        if page.suffix == ".md":
            assert set(re.findall(r"\bmake ([a-z]+)\b", piece)) <= targets
        words = re.findall(r"(?:^|[\s(/])pixr ([a-z]+)\b", piece)
        assert set(words) <= set(Words.words), piece


def test_every_function_that_is_asked_for_its_log_exists() -> None:
    page = read("docs/operations.md")
    assert set(re.findall(r"logs_of (\w+)", page)) <= set(FUNCTIONS)
    asked = set(re.findall(r"output (\w+?)(?:Function|DeadLettersUrl)\b", page))
    assert asked <= {*FUNCTIONS, *QUEUES}
    assert set(re.findall(r"redrive (\w+)", page)) <= set(QUEUES)


@pytest.mark.parametrize("word", list(Words.words))
def test_every_word_has_help(word: str) -> None:
    result = CliRunner().invoke(app, [word, "--help"])
    assert result.exit_code == 0, result.output
    assert Words.words[word].split(",", maxsplit=1)[0].rstrip(".") in " ".join(
        result.output.split()
    )


def runnable() -> Iterator[tuple[str, list[str]]]:
    """Commands of the blocks marked `console run`, each with lines that it must print."""
    for page in PAGES:
        for kind, block in FENCE.findall(page.read_text()):
            if kind.split() == ["console", "run"]:
                for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                    command, *lines = part.splitlines()
                    yield command, lines


@pytest.mark.parametrize(("command", "lines"), list(runnable()))
def test_what_is_shown_is_what_is_printed(command: str, lines: list[str]) -> None:
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_TIMEOUT_S,
    )
    assert result.returncode == 0, result.stderr
    assert [line for line in lines if line not in result.stdout] == []


def watched() -> Iterator[dict[str, str]]:
    """Every `Watched(…)` of the alarms, as far as its arguments are texts; queues are spelled out.

    Read from the source: importing the CDK starts Node.
    """
    for node in ast.walk(ast.parse(read("infra/constructs/watch.py"))):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Watched"):
            continue
        given = {word.arg or "": word.value for word in node.keywords}
        texts = {
            name: value.value
            for name, value in given.items()
            if isinstance(value, ast.Constant) and isinstance(value.value, str)
        }
        if isinstance(given.get("alarm"), ast.JoinedStr):
            assert ast.unparse(given["alarm"]) == "f'{name}DeadLetters'"
            yield from ({**texts, "alarm": f"{queue}DeadLetters"} for queue in QUEUES)
        else:
            yield texts


def test_every_alarm_has_its_paragraph_and_no_paragraph_is_without_alarm() -> None:
    alarms = {item["alarm"] for item in watched() if "alarm" in item}
    assert len(alarms) >= 10
    described = section(read("docs/operations.md"), "Alarms")
    assert headings(described, 3) == alarms
    assert all(len(section(described, alarm).split()) >= 20 for alarm in alarms)


def test_every_metric_that_is_watched_is_sent() -> None:
    """An alarm on a metric that nobody sends never rings."""
    sources = "\n".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    of_aws = {"ApproximateNumberOfMessagesVisible", "5xx"}
    ours = {item["metric"] for item in watched()} - of_aws
    assert [metric for metric in sorted(ours) if f'"{metric}"' not in sources] == []


def refusals(root: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for kind in root.__subclasses__():
        if kind.__module__ == Refusal.__module__:
            yield kind
            yield from refusals(kind)


def problems_of_http() -> Iterator[tuple[str, int]]:
    """Code and status of the problems that `functions/http.py` makes by itself."""
    for node in ast.walk(ast.parse(read("functions/http.py"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_problem":
            status, name = node.args[:2]
            if isinstance(name, ast.Constant) and isinstance(status, ast.Attribute):
                yield str(name.value), HTTPStatus[status.attr]


def test_every_problem_is_explained_and_every_explained_one_exists() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \|", read("docs/problems.md"), re.MULTILINE)
    explained = dict(rows)
    assert len(rows) == len(explained)
    ours = {kind.code: int(STATUS[kind]) for kind in refusals()} | dict(problems_of_http())
    edge = {
        problem["code"]
        for status in range(400, 600)
        if (problem := gateway_problem(status, "request"))
    }
    assert set(explained) == set(ours) | edge
    assert {name: explained[name] for name in ours} == {
        name: str(int(status)) for name, status in ours.items()
    }


SCHEMA = "\n".join(text for _, text in migrations())


def tables() -> dict[str, str]:
    """Every table and view of the migrations, with what its statement says."""
    found = re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)(.*?);$", SCHEMA, re.MULTILINE | re.DOTALL)
    return {**dict(found), "schema_migrations": ""}


def test_every_table_is_described_and_every_described_one_exists() -> None:
    assert headings(read("docs/data-model.md"), 3) == set(tables())


@pytest.mark.parametrize("table", list(tables()))
def test_every_state_is_described(table: str) -> None:
    described = section(read("docs/data-model.md"), f"`{table}`")
    checks = re.findall(
        r"CHECK\s*\((?:\w*state|outcome|kind|topic) IN\s*\(([^)]*)\)", tables()[table], re.DOTALL
    )
    if table == "batches":
        # A batch's kinds are those of its payouts.
        checks = checks[1:]
    if table == "ledger_accounts":
        described = section(read("docs/data-model.md"), "Ledger")
    for check in checks:
        states = re.findall(r"'([\w.]+)'", check)
        assert [state for state in states if state not in described] == []


def test_every_check_of_verify_is_explained() -> None:
    described = section(read("docs/operations.md"), "Reading `pixr verify`")
    told = re.findall(r"^\| ([^|]+) \|", described, re.MULTILINE)[1:]
    assert sorted(told) == sorted([*CHECKS, *(name for names in CHAIN_CHECKS for name in names)])


def statements() -> Iterator[str]:
    """The SQL that operators are told to type, one statement each."""
    for page in PAGES:
        for kind, block in FENCE.findall(page.read_text()):
            if kind == "sql":
                yield from (part.strip() for part in block.split(";") if part.strip())


def test_every_statement_for_operators_runs(database_url: str) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in statements():
            connection.execute(statement.replace("<batch id>", nobody).encode())


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_a_decision_is_one_page_of_one_form(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]}: ")
    assert re.search(r"^Status: (accepted|replaced by \d{4}), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
        "Enforced by",
    ]
    assert len(text.splitlines()) <= 60, "one page"


def test_decisions_are_numbered_listed_and_the_code_names_only_those() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    listed = re.findall(r"\]\((\d{4}[\w-]*\.md)\)", read("docs/decisions/README.md"))
    assert listed == [path.name for path in DECISIONS]
    sources = [
        path
        for folder in ("pixr", "functions", "infra", "layers", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql")
    ]
    named = {number for path in sources for number in re.findall(r"ADR-(\d{4})", path.read_text())}
    assert named <= set(numbers)


def test_the_readme_begins_with_what_a_newcomer_needs() -> None:
    first = "\n".join(read("README.md").splitlines()[:25])
    for wanted in ("make demo", "make test", "Python 3.11", "▶"):
        assert wanted in first
