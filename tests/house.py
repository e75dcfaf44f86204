"""The functions that people call, in a test's hands, and what a test needs to look behind them."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from functions import nodes
from functions.api import handler as api
from functions.wallet import handler as wallet
from infra.routes import PREFIX, ROUTES
from pixr.adapters.keys import MasterSeed
from pixr.adapters.postgres import Database
from pixr.adapters.solana import Solana

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SOL = 10**9
RENT = 890_880
WALLET_ROUTES = {
    "/" + route.path.removeprefix(f"{PREFIX}/").split("/")[0]
    for route in ROUTES
    if route.function == "Wallet"
}
EVERY_SCOPE = "wallet:read wallet:withdraw invest views:write stats:read"
ISSUER = "https://issuer"
CONTEXT = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
    aws_request_id="00000000-0000-0000-0000-000000000000",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler gave back, its body read."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code, after checking that it is a whole problem document."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.body["status"] == self.status
        assert self.body["type"] == f"/problems/{self.body['code']}"
        assert self.body["title"]
        assert self.body["detail"]
        assert self.body["instance"] == "request-1"
        return self.status, self.body["code"]


def event(
    method: str,
    path: str,
    *,
    body: Any = None,
    sub: Any = "alice",
    scope: Any = EVERY_SCOPE,
    headers: Mapping[str, str] | None = None,
    query: str = "",
    changed: Mapping[str, Any] | None = None,
    source_ip: str = "127.0.0.1",
) -> dict[str, Any]:
    """An event as API Gateway sends it (payload 2.0). ``sub`` None carries no token.

    ``changed`` says of claims what they are instead; None: they are missing.
    """
    # API Gateway passes every claim on as text.
    now_s = int(time.time())
    issued = {"iat": str(now_s - 30), "nbf": str(now_s - 30), "exp": str(now_s + 600)}
    claims = None if sub is None else {"iss": ISSUER, **issued, "sub": sub, "scope": scope}
    if claims is not None:
        claims = {name: value for name, value in {**claims, **(changed or {})}.items() if value}
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&") if pair),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": None if claims is None else {"jwt": {"claims": claims, "scopes": None}},
            "http": {"method": method, "path": path, "sourceIp": source_ip},
            "requestId": "request-1",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "timeEpoch": 1_700_000_000_000,
        },
        "body": text,
        "isBase64Encoded": False,
    }


def ask(handler: Any, sent: dict[str, Any]) -> Answer:
    """Call a handler as Lambda does, with an event that went through JSON."""
    answer = json.loads(json.dumps(handler(json.loads(json.dumps(sent)), CONTEXT)))
    kind = answer["headers"].get("Content-Type", "")
    body = json.loads(answer["body"]) if "json" in kind and answer["body"] else answer["body"]
    return Answer(status=answer["statusCode"], headers=answer["headers"], body=body)


@dataclass(kw_only=True)
class House:
    """Both functions, set up; and what a test needs to look behind them."""

    db: Database
    database_url: str
    chain: Solana
    chain_url: str
    treasury: str
    sqs: "SQSClient"
    settle_queue_url: str
    seed: MasterSeed

    def get(self, path: str, **rest: Any) -> Answer:
        """GET from whichever function has the route."""
        return self._ask("GET", path, **rest)

    def post(self, path: str, body: Any, *, key: str | None = None, **rest: Any) -> Answer:
        """POST likewise, with an Idempotency-Key when one is given."""
        headers = {} if key is None else {"idempotency-key": key}
        return self._ask("POST", path, body=body, headers=headers, **rest)

    def delete(self, path: str, **rest: Any) -> Answer:
        """DELETE likewise."""
        return self._ask("DELETE", path, **rest)

    def _ask(self, method: str, path: str, **rest: Any) -> Answer:
        first = path.split("?", maxsplit=1)[0].split("/")[1]
        mine = f"/{first}" in WALLET_ROUTES
        bare, _, query = path.partition("?")
        sent = event(method, f"/api/defi{bare}", query=query, **rest)
        return ask((wallet if mine else api).handler, sent)

    def user(self, user_id: str, *, lamports: int = 0) -> str:
        """A user with a wallet that holds money; the address."""
        answer = self.get("/wallet", sub=user_id)
        assert answer.status == 200, answer
        address: str = answer.body["address"]
        if lamports:
            self.airdrop(address, lamports)
        return address

    def airdrop(self, address: str, lamports: int) -> None:
        node = self.chain.nodes[0]
        signature = node.call("requestAirdrop", address, lamports)
        for _ in range(1_000):
            status = node.call("getSignatureStatuses", [signature])["value"][0]
            if status and status["confirmationStatus"] == "finalized":
                return
            time.sleep(0.02)
        raise TimeoutError(signature)

    def wakes(self) -> int:
        """How many messages the settler would get; takes them off the queue."""
        found = self.sqs.receive_message(QueueUrl=self.settle_queue_url, MaxNumberOfMessages=10)
        for message in found.get("Messages", []):
            self.sqs.delete_message(
                QueueUrl=self.settle_queue_url, ReceiptHandle=message["ReceiptHandle"]
            )
        return len(found.get("Messages", []))

    def count(self, table: str) -> int:
        row = self.db.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row["n"])

    def faults(self, **switches: Any) -> None:
        """Set the chain's faults; an airdrop and a tick are still the real thing."""
        request = Request(  # noqa: S310 -- our own server
            f"{self.chain_url}/faults",
            data=json.dumps(switches).encode(),
            headers={"content-type": "application/json"},
        )
        urlopen(request, timeout=10).close()  # noqa: S310 -- as above


def forget() -> None:
    """Make the handlers read their environment anew."""
    for cached in (
        wallet.settings,
        wallet.seed,
        wallet.vault,
        wallet.guard,
        wallet.house,
        api.settings,
        api.stream,
        api.bucket,
        api.vault,
        api.guard,
        nodes._held_to,
    ):
        cached.cache_clear()
