"""What a cold start pays for imports: CPU milliseconds of each handler, in fresh interpreters."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import functions
from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, at_most, exact, minimum_of

HANDLERS = {
    "wallet": "functions.wallet.handler",
    "api": "functions.api.handler",
    "batch": "functions.batch.handler",
    "plan": "functions.reprocess.plan",
    "encode": "functions.reprocess.encode",
    "assemble": "functions.reprocess.assemble",
}
BASELINE = "import pydantic"
BASELINE_WITH_MODEL = "from pydantic import BaseModel\nclass Model(BaseModel):\n    x: int"
GOALS_MS = {"wallet": 400.0, "api": 400.0}
IMPORT_TIMEOUT_S = 120.0

_PROGRAM = """
import time
begun_s = time.process_time()
exec({statement!r})
print(1000 * (time.process_time() - begun_s))
"""


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Import everything once to have it compiled, then each in turn, ``sizes.repeats`` times."""
    statements = {"pydantic": BASELINE, "model": BASELINE_WITH_MODEL} | {
        name: f"import {module}" for name, module in HANDLERS.items()
    }
    milliseconds: dict[str, list[float]] = {name: [] for name in statements}
    for statement in statements.values():
        _import(statement)
    for turn in range(1, sizes.repeats + 1):
        tell(f"importing, turn {turn} of {sizes.repeats}")
        for name, statement in statements.items():
            milliseconds[name].append(_import(statement))
    return Report(
        bench="cold",
        conditions={"repeats": sizes.repeats, "bytecode": "compiled before"},
        figures=_figures(milliseconds),
        remarks=(
            "Value: the least of the repetitions. Interpreter start is not counted.",
            "`import pydantic` alone loads little: most of it comes with the first model.",
        ),
    )


def _figures(milliseconds: dict[str, list[float]]) -> list[Figure]:
    baseline = milliseconds["pydantic"]
    figures = [
        minimum_of("import_pydantic_cpu_ms", "baseline: import pydantic", "ms", baseline),
        minimum_of(
            "pydantic_model_cpu_ms", "baseline: pydantic and one model", "ms", milliseconds["model"]
        ),
    ]
    for name in HANDLERS:
        figure = minimum_of(f"{name}_cpu_ms", f"{name} handler", "ms", milliseconds[name])
        goal = GOALS_MS.get(name)
        figures.append(figure if goal is None else at_most(figure, goal))
    for name in HANDLERS:
        ratio = min(milliseconds[name]) / min(baseline)
        label = f"{name} handler ÷ import pydantic"
        figures.append(exact(f"{name}_vs_import_pydantic", label, "×", ratio))
    return figures


def _import(statement: str) -> float:
    """CPU milliseconds of one statement in a new interpreter."""
    home = str(Path(functions.__file__).parents[1])
    output = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(statement=statement)],
        env={"PATH": os.defpath, "PYTHONPATH": home, "POWERTOOLS_TRACE_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=True,
        timeout=IMPORT_TIMEOUT_S,
    ).stdout
    return float(output)
