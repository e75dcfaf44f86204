"""The front door passes requests and answers as they are, and words the gateway's refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.edge import BODY_BYTES_MAX, CONTENT_TYPE
from pixr.local import process
from pixr.local.front_door import Gateway, running_front_door
from pixr.local.serving import serving

API_ID = "abcd1234"


async def upstream(request: Request) -> Response:
    """Answers what it was asked; under /refuse it refuses as API Gateway does."""
    path = request.scope["raw_path"].decode()
    if "/refuse/" in path:
        status = int(path.rpartition("/")[2])
        return JSONResponse({"message": "no"}, status, headers={"apigw-requestid": "gw-1"})
    if path.endswith("/problem"):
        problem = json.dumps({"code": "overdrawn"})
        return Response(problem, 409, media_type=CONTENT_TYPE)
    seen = {
        "method": request.method,
        "path": path,
        "query": request.scope["query_string"].decode(),
        "body": len(await request.body()),
        "headers": dict(request.headers),
    }
    return JSONResponse(seen, 202, headers={"x-kept": "yes", "retry-after": "3"})


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    app = Starlette(routes=[Route("/{path:path}", upstream, methods=every)])
    with serving(app, name="upstream", port=None) as port:
        gateway = Gateway(endpoint=f"http://127.0.0.1:{port}", api_id=API_ID)
        with running_front_door(gateway, {"API": "/api/defi/"}) as url:
            yield url


@pytest.fixture(scope="module")
def client(door: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door, timeout=10) as client:
        yield client


def test_a_request_arrives_as_it_was_sent(client: httpx.Client) -> None:
    answer = client.post(
        "/api/defi/content/a%2Fb?limit=5&cursor=a%20b",
        content=b"x" * 1000,
        headers={"authorization": "Bearer t", "idempotency-key": "k"},
    )
    seen = answer.json()
    assert answer.status_code == 202
    assert answer.headers["x-kept"] == "yes"
    assert answer.headers["retry-after"] == "3"
    assert (seen["method"], seen["body"]) == ("POST", 1000)
    assert (seen["path"], seen["query"]) == ("/api/defi/content/a%2Fb", "limit=5&cursor=a%20b")
    assert seen["headers"]["host"].startswith(f"{API_ID}.execute-api.localhost:")
    assert seen["headers"]["authorization"] == "Bearer t"
    assert seen["headers"]["idempotency-key"] == "k"


def test_a_problem_of_a_function_passes_unchanged(client: httpx.Client) -> None:
    answer = client.get("/api/defi/problem")
    assert answer.status_code == 409
    assert answer.json() == {"code": "overdrawn"}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_refusal_of_the_gateway_becomes_a_problem(client: httpx.Client, status: int) -> None:
    answer = client.get(f"/api/defi/refuse/{status}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert answer.json()["status"] == status
    assert answer.json()["instance"] == "gw-1" == answer.headers["apigw-requestid"]
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_body_over_the_gateways_limit_is_refused(client: httpx.Client) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 1024 * 1024

    for content in (b"x" * (BODY_BYTES_MAX + 1), in_pieces()):
        answer = client.post("/api/defi/views", content=content)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too-large"
    assert client.post("/api/defi/views", content=b"x" * BODY_BYTES_MAX).status_code == 202


def test_other_paths_are_unknown_and_the_root_says_what_is_where(client: httpx.Client) -> None:
    assert client.get("/nowhere").json()["code"] == "not-found"
    assert "/api/defi/" in client.get("/").text
    assert client.get("/", headers={"accept": "application/json"}).json() == {"API": "/api/defi/"}


@pytest.mark.parametrize("path", ["/api/defi/a%0Ab", "/a%0Ab", "/api/defi/%0A"])
def test_a_line_break_in_a_path_is_a_path(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["content-type"].startswith("application/")


def test_a_gateway_that_is_gone_is_said_as_a_problem() -> None:
    gateway = Gateway(endpoint=f"http://127.0.0.1:{process.free_port()}", api_id=API_ID)
    with running_front_door(gateway, {}) as url:
        answer = httpx.get(f"{url}/api/defi/wallet")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
