"""Port 8787: the one address of the machine, as CloudFront is in the cloud.

    client ──▶ front door ──▶ API Gateway (emulated) ──▶ Lambda functions
                   └─ what the gateway refuses by itself becomes a problem document (functions/edge)

It adds and decides nothing else: paths, bodies, statuses and headers pass as they are.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from functions.edge import BODY_BYTES_MAX, CONTENT_TYPE, gateway_problem
from pixr.local.serving import serving

API_PREFIX = "/api/defi"
REQUEST_ID_HEADER = "apigw-requestid"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
UPSTREAM_TIMEOUT_S = 35.0  # an HTTP API gives up on a function after 30 s
CONNECTIONS_MAX = 200

# RFC 9110 §7.6.1: these speak about one connection, not about the message.
HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade", "content-length", "host", "date", "server"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where the emulated API Gateway answers for one API."""

    endpoint: str
    api_id: str

    @property
    def host(self) -> str:
        """The host name by which the emulator knows the API."""
        return f"{self.api_id}.execute-api.localhost:{urlsplit(self.endpoint).port}"


class TooLarge(Exception):
    """The body exceeds what API Gateway takes."""


def front_door(gateway: Gateway, about: Mapping[str, object]) -> Starlette:
    """The application.

    Args:
        gateway: Where requests go.
        about: What ``/`` tells: what is where.
    """
    client = httpx.AsyncClient(
        timeout=UPSTREAM_TIMEOUT_S,
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        follow_redirects=False,
        trust_env=False,  # a proxy of the user's must not see 127.0.0.1
    )

    async def forward(request: Request) -> Response:
        request_id = str(uuid.uuid4())
        try:
            answer = await client.send(await _upstream_request(client, gateway, request))
        except TooLarge:
            return _problem(413, request_id, request)
        except ClientDisconnect:
            return Response(status_code=400)
        except httpx.TimeoutException:
            return _problem(504, request_id, request)
        except httpx.TransportError:
            return _problem(503, request_id, request)
        return _passed_on(answer, request_id, request)

    def elsewhere(request: Request) -> Response:
        return _problem(404, str(uuid.uuid4()), request)

    async def unmatched(request: Request, _: Exception) -> Response:
        # A path parameter of Starlette's ends at a line break; a path of a caller's may have one.
        if request.url.path.startswith(API_PREFIX + "/"):
            return await forward(request)
        return elsewhere(request)

    @contextlib.asynccontextmanager
    async def closing(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        routes=[
            Route("/", _index(about)),
            Route(API_PREFIX + "/{path:path}", forward, methods=METHODS),
            Route("/{path:path}", elsewhere, methods=METHODS),
        ],
        exception_handlers={HTTPStatus.NOT_FOUND: unmatched},
        lifespan=closing,
    )


def _index(about: Mapping[str, object]) -> Callable[[Request], Response]:
    def index(request: Request) -> Response:
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(about)
        width = max(map(len, about), default=0)
        lines = [f"{name:<{width}}  {value}" for name, value in about.items()]
        return PlainTextResponse("\n".join(["Pixr DeFi on one machine", "", *lines, ""]))

    return index


async def _upstream_request(
    client: httpx.AsyncClient, gateway: Gateway, request: Request
) -> httpx.Request:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope["query_string"]
    target = httpx.URL(gateway.endpoint).copy_with(
        raw_path=raw_path + (b"?" + query if query else b"")
    )
    headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
    peer = request.client.host if request.client else "127.0.0.1"
    headers += [("host", gateway.host), ("x-forwarded-for", peer)]
    return client.build_request(
        request.method, target, headers=headers, content=await _body(request)
    )


async def _body(request: Request) -> bytes:
    """The whole body.

    Raises:
        TooLarge: It exceeds the limit; what it announces counts, too.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > BODY_BYTES_MAX:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge
    return bytes(body)


def _passed_on(answer: httpx.Response, request_id: str, request: Request) -> Response:
    request_id = answer.headers.get(REQUEST_ID_HEADER, request_id)
    mapped = _problem_or_none(
        answer.status_code, request_id, request, answer.headers.get("content-type", "")
    )
    if mapped is not None:
        return mapped
    response = Response(content=answer.content, status_code=answer.status_code)
    for name, value in answer.headers.multi_items():
        # httpx has undone the encoding of the content.
        if name.lower() not in HOP_BY_HOP | {"content-encoding"}:
            response.headers.append(name, value)
    response.headers.setdefault(REQUEST_ID_HEADER, request_id)
    return response


def _problem(status: int, request_id: str, request: Request) -> Response:
    problem = _problem_or_none(status, request_id, request, "")
    assert problem is not None
    return problem


def _problem_or_none(
    status: int, request_id: str, request: Request, content_type: str
) -> Response | None:
    problem = gateway_problem(
        status,
        request_id,
        content_type=content_type,
        authorization=request.headers.get("authorization"),
        now_s=time.time(),
    )
    if problem is None:
        return None
    headers = {REQUEST_ID_HEADER: request_id}
    if status == 401:  # noqa: PLR2004 -- RFC 9110 §15.5.2: a challenge goes with it
        headers["www-authenticate"] = "Bearer"
    return Response(
        json.dumps(problem), status_code=status, media_type=CONTENT_TYPE, headers=headers
    )


@contextlib.contextmanager
def running_front_door(
    gateway: Gateway, about: Mapping[str, object], port: int | None = None
) -> Iterator[str]:
    """The front door, serving; yields its address.

    Raises:
        LocalError: The port is taken.
    """
    app = front_door(gateway, about)
    mend = "Stop what listens there, or choose another with --port."
    with serving(app, name="the front door", port=port, mend=mend) as chosen:
        yield f"http://127.0.0.1:{chosen}"
