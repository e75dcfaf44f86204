"""What the gateway refuses by itself, in our format."""

from __future__ import annotations

import base64
import json

import pytest

from functions.edge import CONTENT_TYPE, gateway_problem

NOW_S = 1_800_000_000.0


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize("status", [200, 202, 304])
def test_an_answer_that_is_no_error_passes(status: int) -> None:
    assert gateway_problem(status, "id", content_type="application/json") is None


def test_a_problem_of_a_function_passes() -> None:
    assert gateway_problem(404, "id", content_type=f"{CONTENT_TYPE}; charset=utf-8") is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "forbidden"),
        (404, "not-found"),
        (405, "method-not-allowed"),
        (413, "too-large"),
        (418, "refused"),
        (429, "too-many-requests"),
        (500, "internal"),
        (502, "internal"),
        (503, "unavailable"),
        (504, "timed-out"),
    ],
)
def test_each_refusal_of_the_gateway_is_a_problem(status: int, code: str) -> None:
    problem = gateway_problem(status, "req-1", content_type="application/json")
    assert problem is not None
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    assert problem["status"] == status
    assert problem["instance"] == "req-1"
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "missing"),
        ("  ", "missing"),
        ("Basic YTpi", "must be `Bearer`"),
        ("Bearer", "must be `Bearer`"),
        ("Bearer garbage", "malformed"),
        ("Bearer a.b.c", "malformed"),
        ("Bearer e30..c2ln", "malformed"),
        ("Bearer e30.W10.c2ln", "malformed"),
        ("Bearer e30.é.c2ln", "malformed"),
        (f"Bearer {token(exp=NOW_S - 1)}", "expired"),
        (f"bearer {token(exp=NOW_S + 60, nbf=NOW_S + 30)}", "does not hold yet"),
        (f"Bearer {token(exp=NOW_S + 60)}", "signature, issuer or audience"),
        (f"Bearer {token(exp='soon')}", "signature, issuer or audience"),
    ],
)
def test_a_refused_token_is_told_why(authorization: str | None, reason: str) -> None:
    problem = gateway_problem(401, "id", authorization=authorization, now_s=NOW_S)
    assert problem is not None
    assert reason in problem["detail"]
    assert problem["title"] == "A valid token is needed"
