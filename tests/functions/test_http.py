"""Goal: whatever comes in, what goes out is an answer or a whole problem document.

Method: a small application on the real resolver, so that each rule is seen alone.
"""

import base64
import json
import logging
import time
from typing import Any

import pytest
from pydantic import BaseModel

from functions.caller import needs
from functions.guard import Guard, Rates
from functions.http import STATUS, Http
from functions.telemetry import make_logger
from functions.values import Request
from pixr.adapters.redis.rates import RateLimiter
from pixr.domain import errors
from pixr.domain.errors import Malformed, NotFound, Outage, Overdrawn, Overfunded, Refusal
from tests.house import ISSUER, Answer, ask, event


class Body(Request):
    name: str
    count: int = 1


class View(BaseModel):
    name: str


class Away(Outage):
    part = "moon"


logger = make_logger("test")


REDIS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def counted(redis_url: str) -> None:
    REDIS["url"] = redis_url


GUARD = Guard(
    issuer=ISSUER,
    token_age_s=900,
    rates=Rates(reads_max=100, money_max=10, views_max=100, address_max=1_000),
    limiter=lambda: RateLimiter(REDIS["url"]),
    clock_s=time.time,
)
app = Http(logger, lambda: GUARD)


@app.get("/who", security=needs("read", "admin"))
def get_who() -> View:
    return View(name=app.caller.user_id)


@app.post("/thing", security=needs("write"))
def post_thing(body: Body) -> View:
    return View(name=body.name)


@app.get("/fail/<how>")
def get_fail(how: str) -> View:
    failures: dict[str, Exception] = {
        "outage": Away("password@host is away"),
        "bug": ValueError("secret detail"),
        "malformed": Malformed("amount", "must be more than 0"),
        "overdrawn": Overdrawn(5, 3, "why"),
        "overfunded": Overfunded(5, 3),
        "mine": NotFound("there is nothing by that id"),
        "settlement": errors.SettlementNotStarted(),
    }
    raise failures[how]


@app.get("/wrong-answer")
def get_wrong_answer() -> View:
    return View.model_construct(name=7)  # type: ignore[arg-type]  # what a bug would answer


def call(method: str, path: str, **rest: Any) -> Answer:
    return ask(app.resolve, event(method, path, **rest))


def tree(base: type[Refusal]) -> list[type[Refusal]]:
    return [leaf for child in base.__subclasses__() for leaf in (child, *tree(child))]


def test_every_refusal_has_a_status_a_title_and_its_own_code() -> None:
    refusals = tree(Refusal)
    assert set(refusals) == set(STATUS)
    assert len({refusal.code for refusal in refusals}) == len(refusals)
    assert all(refusal.title for refusal in refusals)
    waits = {kind.code: kind.retry_after_s for kind in refusals if kind.retry_after_s}
    assert waits == {"still-running": 1, "settlement-not-started": 60, "quote-unavailable": 600}


def test_every_refusal_is_drawn_in_the_tree() -> None:
    assert errors.__doc__ is not None
    for refusal in tree(Refusal):
        assert f"─ {refusal.__name__} " in errors.__doc__


def test_a_good_request_is_answered_and_never_cached() -> None:
    answer = call("GET", "/who", scope="read")
    assert (answer.status, answer.body) == (200, {"name": "alice"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_unknown_route_is_a_problem_that_names_the_document() -> None:
    answer = call("GET", "/nowhere", sub=None)
    assert answer.problem == (404, "not-found")
    assert "openapi.json" in answer.body["detail"]


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH", "HEAD", "BREW"])
def test_a_wrong_method_is_told_the_right_ones(method: str) -> None:
    answer = call(method, "/who")
    assert answer.problem == (405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize("sub", [None, "", 7, "a" * 129, "a\u0000b", "line\nbreak"])
def test_a_request_without_a_person_behind_it_is_refused(sub: Any) -> None:
    assert call("GET", "/who", sub=sub).problem == (401, "unauthenticated")


@pytest.mark.parametrize("scope", ["", "reader", "READ", "write", None, ["read"]])
def test_a_token_without_the_scope_is_told_which_one(scope: Any) -> None:
    answer = call("GET", "/who", scope=scope)
    assert answer.problem == (403, "forbidden")
    assert "read or admin" in answer.body["detail"]


def test_the_scope_is_asked_for_before_the_body_is_read() -> None:
    assert call("POST", "/thing", body="{", scope="read").problem == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "it is empty"),
        (None, "it is empty"),
        ("{", "line 1, column 2"),
        ('{"name": "x",}', "line 1"),
        ("[]", "must be a JSON object"),
        ('[{"name": "x"}]', "must be a JSON object"),
        ('"name"', "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('{"name": "x", "name": "y"}', "'name' twice"),
        ('{"name": NaN}', "NaN is not a number in JSON"),
        ('{"name": -Infinity}', "Infinity is not a number in JSON"),
        ('{"name": ' + "9" * 50 + "}", "50 digits"),
        ('{"name": ' + "1e" + "9" * 30 + "}", "out of all bounds"),
        ('{"name": "\\ud800"}', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ('{"name": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
        ("{}", "name: Field required"),
        ('{"name": "x", "nmae": 1}', "nmae: Extra inputs"),
        ('{"name": "x", "count": 1.5}', "count:"),
        ('{"name": 7}', "name: Input should be a valid string"),
    ],
    ids=range(20),
)
def test_a_malformed_body_is_told_what_is_wrong(body: str | None, detail: str) -> None:
    answer = call("POST", "/thing", body=body)
    assert answer.problem == (403, "forbidden")
    answer = call("POST", "/thing", body=body, scope="write")
    assert answer.problem == (400, "malformed")
    assert detail in answer.body["detail"]
    assert answer.body["errors"][0]["field"]


def test_a_surrogate_pair_is_a_character() -> None:
    answer = call("POST", "/thing", body='{"name": "\\ud83d\\ude00"}', scope="write")
    assert answer.body == {"name": "😀"}


def test_a_refused_value_is_never_sent_back() -> None:
    answer = call("POST", "/thing", body={"name": {"totally": "secret"}}, scope="write")
    assert "secret" not in json.dumps(answer.body)


def test_a_control_character_in_a_made_up_name_is_not_sent_back() -> None:
    answer = call("POST", "/thing", body={"name": "x", "a\u0007b": 1}, scope="write")
    assert answer.body["errors"] == [{"field": "a?b", "rule": "Extra inputs are not permitted"}]


def test_a_body_in_base64_is_read() -> None:
    sent = event("POST", "/thing", scope="write")
    sent |= {"body": base64.b64encode(b'{"name": "x"}').decode(), "isBase64Encoded": True}
    assert ask(app.resolve, sent).body == {"name": "x"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [("not base64!", "base64"), (base64.b64encode(b'{"name": "\xff"}').decode(), "UTF-8")],
)
def test_a_body_that_is_not_text_is_refused(body: str, detail: str) -> None:
    sent = event("POST", "/thing", scope="write") | {"body": body, "isBase64Encoded": True}
    answer = ask(app.resolve, sent)
    assert answer.problem == (400, "malformed")
    assert detail in answer.body["detail"]


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_of_six_megabytes_is_refused_unread(is_base64: bool) -> None:  # noqa: FBT001 -- two ways
    sent = event("POST", "/thing", scope="write")
    sent |= {"body": "A" * 6 * 1024 * 1024, "isBase64Encoded": is_base64}
    assert ask(app.resolve, sent).problem == (413, "too-large")


def test_a_body_of_many_wide_characters_is_counted_in_bytes() -> None:
    body = json.dumps({"name": "界" * 800_000}, ensure_ascii=False)
    assert call("POST", "/thing", body=body, scope="write").problem == (413, "too-large")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
)
def test_a_body_that_says_it_is_something_else_is_refused(content_type: str) -> None:
    headers = {"content-type": content_type}
    answer = call("POST", "/thing", body="name=x", scope="write", headers=headers)
    assert answer.problem == (415, "not-json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_any_spelling_is_json(content_type: str) -> None:
    headers = {"content-type": content_type}
    answer = call("POST", "/thing", body={"name": "x"}, scope="write", headers=headers)
    assert answer.status == 200


def test_a_refusal_carries_its_values() -> None:
    answer = call("GET", "/fail/overdrawn")
    assert answer.problem == (409, "overdrawn")
    assert answer.body["available"] == {"lamports": "3", "sol": "0.000000003"}
    assert call("GET", "/fail/overfunded").body["open"]["lamports"] == "3"
    assert call("GET", "/fail/malformed").body["errors"] == [
        {"field": "amount", "rule": "must be more than 0"}
    ]
    assert call("GET", "/fail/mine").problem == (404, "not-found")


def test_a_refusal_that_time_mends_says_how_long() -> None:
    answer = call("GET", "/fail/settlement")
    assert answer.problem == (503, "settlement-not-started")
    assert answer.headers["Retry-After"] == "60"


def test_an_outage_is_told_without_its_address() -> None:
    answer = call("GET", "/fail/outage")
    assert answer.problem == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "moon" in answer.body["detail"]
    assert "password" not in json.dumps(answer.body)


@pytest.mark.parametrize("path", ["/fail/bug", "/wrong-answer"])
def test_a_bug_is_told_to_the_log_and_not_to_the_caller(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.addHandler(logging.StreamHandler())
    answer = call("GET", path)
    assert answer.problem == (500, "internal")
    assert "secret" not in json.dumps(answer.body)
    assert "Traceback" in capsys.readouterr().err
