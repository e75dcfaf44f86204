"""Goal: the document says what the code does, for every route that the gateway has."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from functions.api.handler import app as api
from functions.caller import SECURITY_SCHEME
from functions.openapi import VERSION, document
from functions.wallet.handler import app as wallet
from infra.routes import ROUTES
from pixr.ops.openapi import FILES, text

UNDOCUMENTED = {"/api/defi/openapi.json", "/api/defi/docs"}
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in document(api, wallet)["paths"].items()
    for method, operation in operations.items()
]


def test_the_written_document_is_what_the_code_says() -> None:
    for file in FILES:
        assert file.read_text(encoding="utf-8") == text(), "run python -m pixr.ops.openapi"


def test_the_document_is_openapi() -> None:
    validate(document(api, wallet))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_route_of_the_gateway_is_documented_and_the_other_way_round() -> None:
    routed = {(route.method, nameless(route.path)) for route in ROUTES}
    told = {(method, nameless(path)) for method, path, _ in OPERATIONS}
    hidden = {(method, path) for method, path in routed if path in UNDOCUMENTED}
    assert told == routed - hidden


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)
def test_every_operation_says_who_may_and_how_it_refuses(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    public = {nameless(route.path) for route in ROUTES if route.public}
    assert operation["summary"].endswith(".")
    assert "422" not in operation["responses"]
    assert {"4XX", "5XX"} <= set(operation["responses"])
    if nameless(path) in public:
        assert "security" not in operation
    else:
        assert all(choice[SECURITY_SCHEME] for choice in operation["security"]), method
