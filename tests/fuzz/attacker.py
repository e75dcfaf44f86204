"""Requests that schemathesis draws from the OpenAPI document, and what must be true of each answer.

Half of them are as the document wants them and half are not. Ids and tokens of real things are put
in at random, or nearly all would be "not found". All chance is drawn, so a seed repeats a run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from solders.keypair import Keypair

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
TIMEOUT_S = 60
SUMS = [1_000_000, "2000000", 890_880, "890880", "10" * 9]
"""The least that may stay in a wallet is the whole price of a short film's upgrade, too."""
FAILURES_TOLD = 5
FRAMING = {"content-length", "transfer-encoding", "connection", "host", "expect", "upgrade", "te"}
"""Headers that say where a request ends and for whom it is: the server reads them before there is
a request, and a malformed one is answered by it in its own words."""
PROBLEM = "application/problem+json"
CLIENT_ERROR_MIN = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is on the machine."""

    base_url: str
    tokens: Sequence[Mapping[str, str]]
    """Headers of callers who may do everything."""
    tokens_of_few: Sequence[Mapping[str, str]]
    """Headers of callers who may do one thing, or nothing."""
    ids: Mapping[str, Sequence[str]]
    """Name of a parameter or field → values that exist."""


@dataclass(slots=True)
class Found:
    """What became of one route's requests."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take in what another process has found."""
        self.statuses += other.statuses
        self.failures += other.failures


def attack(known: Known, count: int, *, luck: int) -> dict[str, Found]:
    """Send about ``count`` requests, shared out over all routes; what became of each route's."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schema = schemathesis.openapi.from_dict(document)
    operations: list[Any] = [
        result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)
    ]
    each = -(-count // len(operations))
    with requests.Session() as session:
        return {
            f"{operation.method.upper()} {operation.path}": _route(
                session, known, operation, each, luck=luck
            )
            for operation in operations
        }


def _route(
    session: requests.Session, known: Known, operation: Any, count: int, *, luck: int
) -> Found:
    found = Found()
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    for mode in modes:
        try:
            _draw(session, known, operation.as_strategy(mode), -(-count // 2), found, luck=luck)
        except (Unsatisfiable, schemathesis.errors.SchemathesisError):
            # There is nothing to get wrong in a route without parameters.
            assert mode is GenerationMode.NEGATIVE, operation.path
    missing = count - found.statuses.total()
    if missing > 0:
        strategy = operation.as_strategy(GenerationMode.POSITIVE)
        _draw(session, known, strategy, missing, found, luck=luck + 1)
    return found


def _draw(
    session: requests.Session, known: Known, strategy: Any, count: int, found: Found, *, luck: int
) -> None:
    sent = 0

    @seed(luck)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, chance=st.integers(min_value=0, max_value=2**32))
    def one(case: Any, chance: int) -> None:
        nonlocal sent
        sent += 1
        _send(session, known, case, Random(chance), found)

    one()
    # A route with few shapes is exhausted early: the same shapes, with other tokens.
    while 0 < sent < count:
        before = sent
        seed(luck + sent)(one)()
        if sent == before:
            return


def _send(session: requests.Session, known: Known, case: Any, random: Random, found: Found) -> None:
    _put_in_what_exists(known, case, random)
    for name in FRAMING & {name.lower() for name in case.headers or {}}:
        case.headers.pop(name)
    headers = _token(known, random)
    if random.random() < 0.3:
        headers["Idempotency-Key"] = f"key-{random.randrange(20)}"
    try:
        answer = case.call(
            base_url=known.base_url, session=session, headers=headers, timeout=TIMEOUT_S
        )
        found.statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        _check_problem(answer)
    except (FailureGroup, AssertionError, requests.RequestException) as failure:
        if len(found.failures) < FAILURES_TOLD:
            found.failures.append(f"{_told(failure)}\n    {case.as_curl_command()[:600]}")


def _put_in_what_exists(known: Known, case: Any, random: Random) -> None:
    for name in list(case.path_parameters or {}):
        if name in known.ids and random.random() < 0.6:
            case.path_parameters[name] = random.choice(known.ids[name])
    if isinstance(case.body, dict):
        _mend_body(case.body, random)
        for name in case.body:
            if name == "destination" and random.random() < 0.5:
                case.body[name] = str(Keypair.from_seed(random.randbytes(32)).pubkey())
            elif name in known.ids and random.random() < 0.8:
                case.body[name] = random.choice(known.ids[name])


def _mend_body(body: dict[str, Any], random: Random) -> None:
    """What the document cannot say: exactly one amount, and times of this week."""
    if {"amount", "lamports"} & body.keys() and random.random() < 0.6:
        body.pop("amount", None)
        body["lamports"] = random.choice(SUMS)
    events = body.get("events")
    if isinstance(events, list) and random.random() < 0.6:
        now = datetime.now(UTC).isoformat()
        body["events"] = [
            {
                "event_id": f"{random.randrange(10**9)}",
                "content_id": "clip",
                "viewer_id": f"viewer-{random.randrange(100)}",
                "watched_seconds": 30,
                "occurred_at": now,
            }
            for _ in range(random.randrange(1, 20))
        ]


def _token(known: Known, random: Random) -> dict[str, str]:
    roll = random.random()
    if roll < 0.03:
        return {}
    if roll < 0.06:
        return {"Authorization": f"Bearer {random.randbytes(20).hex()}"}
    # Whoever may do everything meets more than the door.
    few = random.random() < 0.15
    return dict(random.choice(known.tokens_of_few if few else known.tokens))


def _check_problem(answer: Any) -> None:
    """Whatever is refused is a whole problem document, whoever refuses it."""
    if answer.status_code < CLIENT_ERROR_MIN:
        return
    assert answer.headers["content-type"][0] == PROBLEM, answer.headers["content-type"]
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"/problems/{body['code']}"
    assert body["title"]
    assert body["detail"]


def _told(failure: BaseException) -> str:
    parts = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
    return " / ".join(f"{type(part).__name__}: {str(part)[:300]}" for part in parts)
