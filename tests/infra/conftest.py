"""Every stage, synthesized once per session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pixr.local.deploy import ROOT, node_home
from pixr.local.errors import LocalError

SYNTH_TIMEOUT_S = 240

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """The templates of one stage, by the last word of the stack's name."""

    stage: str
    stacks: dict[str, dict[str, Any]]

    def of(self, kind: str) -> dict[str, Resource]:
        """Every resource of a type: logical id to its whole definition."""
        return {
            id_: resource
            for template in self.stacks.values()
            for id_, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def properties(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of a type."""
        return [resource.get("Properties", {}) for resource in self.of(kind).values()]

    def function(self, handler: str) -> tuple[str, dict[str, Any]]:
        """Logical id and properties of the function with this handler."""
        found = {
            id_: resource["Properties"]
            for id_, resource in self.of("AWS::Lambda::Function").items()
            if resource["Properties"]["Handler"] == handler
        }
        assert len(found) == 1, f"{handler}: {sorted(found)}"
        return next(iter(found.items()))

    def statements(self, handler: str) -> Iterator[dict[str, Any]]:
        """Everything that the role of this function may do."""
        role = self.function(handler)[1]["Role"]["Fn::GetAtt"][0]
        for policy in self.properties("AWS::IAM::Policy"):
            if {"Ref": role} in policy["Roles"]:
                yield from policy["PolicyDocument"]["Statement"]


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Templates]:
    """Stage to templates."""
    try:
        node = node_home() / "node"
    except LocalError as error:
        pytest.fail(f"{error} (or leave these tests out with -m 'not synth')", pytrace=False)
    folder = tmp_path_factory.mktemp("synth")
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("synthesize.py"), folder],
        cwd=ROOT,
        env={
            **os.environ,
            "JSII_NODE": str(node),
            "PYTHONPATH": str(ROOT),
            "CDK_VALIDATION": "false",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SYNTH_TIMEOUT_S,
    )
    if done.returncode:
        pytest.fail(f"synthesis failed:\n{done.stdout}\n{done.stderr}", pytrace=False)
    stages = {}
    for stage in ("local", "dev", "dev-kms", "prod"):
        paths = (folder / stage / "out").glob("*.template.json")
        stacks = {path.name.split(".")[0].split("-")[-1]: path for path in paths}
        stages[stage] = Templates(
            stage=stage,
            stacks={name: json.loads(path.read_text()) for name, path in stacks.items()},
        )
    return stages


@pytest.fixture(params=["local", "dev", "prod"])
def templates(request: pytest.FixtureRequest, synthesized: dict[str, Templates]) -> Templates:
    """Each stage in turn."""
    return synthesized[request.param]


@pytest.fixture(params=["dev", "prod"])
def cloud(request: pytest.FixtureRequest, synthesized: dict[str, Templates]) -> Templates:
    """Each stage in the cloud in turn."""
    return synthesized[request.param]
