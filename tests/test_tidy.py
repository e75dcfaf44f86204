"""House rules that no linter knows, each with its reason in the complaint."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = ("pixr", "functions", "infra", "layers")
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", re.DOTALL)
BANNED_WORDS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "processor"}
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|breakpoint\(\)")
REGISTRIES = re.compile(
    r"https?://[^\s\"')]*(pypi|npmjs|registry|pythonhosted|debian\.org)[^\s\"')]*"
)


def tracked(*endings: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    paths = [ROOT / name for name in names if not endings or name.endswith(endings)]
    return [path for path in paths if path.is_file()]


PYTHON = tracked(".py")
SHIPPED_PYTHON = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in SHIPPED]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def docstrings(tree: ast.AST) -> set[int]:
    """Ids of the constants that are docstrings, of modules, classes, functions and attributes."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def complaints(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    prose = docstrings(tree)
    in_domain = path.is_relative_to(ROOT / "pixr" / "domain")
    may_hold_sql = path.is_relative_to(ROOT / "pixr" / "local") or path.name == "migrate.py"
    for node in ast.walk(tree):
        where = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_sql = SQL.match(node.value) and id(node) not in prose
            if is_sql and not may_hold_sql:
                yield f"{where}: SQL belongs in adapters/postgres/sql, where it can be prepared"
        if in_domain and isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{where}: a float cannot hold money; count lamports, ms, px or bytes"
        if in_domain and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield f"{where}: `/` may make a float; choose `//` or Fraction(a, b)"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{where}: {node.name} has {lines} lines; {FUNCTION_LINES_MAX} fit a screen"


@pytest.mark.parametrize("path", SHIPPED_PYTHON, ids=name_of)
def test_shipped_code_is_tidy(path: Path) -> None:
    assert list(complaints(path)) == []


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_files_are_short_and_finished(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX, "split it: a file fits a few screens"
    assert path.stem not in BANNED_WORDS, "a name says what is inside"
    if path != Path(__file__):
        assert not LEFTOVERS.search(text), "finish it, or leave it out"


def test_no_registry_and_no_machine_is_named() -> None:
    """Locks and sources must install from whatever registry the reader's machine is set up for."""
    named = [
        f"{name_of(path)}: {match[0]}"
        for path in tracked(".txt", ".json", ".toml", ".py", ".md", ".yml", ".cfg", "Makefile")
        if path != Path(__file__)
        for match in REGISTRIES.finditer(path.read_text(errors="replace"))
    ]
    assert named == []


def test_importing_the_tree_of_handlers_does_nothing() -> None:
    """No handler reads the environment or opens a connection when it is imported."""
    handlers = sorted(
        name_of(path).removesuffix(".py").replace("/", ".")
        for path in (ROOT / "functions").rglob("*.py")
        if "def handler(" in path.read_text()
    )
    assert len(handlers) >= 6
    program = (
        "import socket, sys\n"
        "def refuse(*_args, **_kwargs):\n"
        "    raise AssertionError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        f"for name in {handlers!r}:\n"
        "    __import__(name)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "POWERTOOLS_TRACE_DISABLED": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
