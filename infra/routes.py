"""The table of routes: which function answers what, and who needs a token to ask.

The gateway is built from it, so a route that is not here does not exist. Scopes are checked inside
the functions, where a refusal can say which one is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Answerer = Literal["Wallet", "Api"]

PREFIX: Final = "/api/defi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    Attributes:
        method: HTTP method, or ANY.
        path: Path template with the prefix, as API Gateway spells it.
        function: Logical name of the function that answers.
        public: Whether it answers without a token.
    """

    method: str
    path: str
    function: Answerer
    public: bool = False


def _wallet(method: str, path: str) -> Route:
    return Route(method=method, path=PREFIX + path, function="Wallet")


def _api(method: str, path: str, *, public: bool = False) -> Route:
    return Route(method=method, path=PREFIX + path, function="Api", public=public)


ROUTES: Final = (
    _wallet("GET", "/wallet"),
    _wallet("GET", "/balance"),
    _wallet("POST", "/withdraw"),
    _wallet("GET", "/withdrawals"),
    _wallet("GET", "/withdrawals/{id}"),
    _wallet("GET", "/transactions"),
    _wallet("POST", "/2fa/enroll"),
    _wallet("POST", "/2fa/confirm"),
    _wallet("POST", "/2fa/recovery-codes"),
    _wallet("DELETE", "/2fa"),
    _wallet("GET", "/allowlist"),
    _wallet("POST", "/allowlist"),
    _wallet("DELETE", "/allowlist/{destination}"),
    _api("POST", "/views"),
    _api("POST", "/invest"),
    _api("GET", "/investments"),
    _api("GET", "/upgrades/{job_id}"),
    _api("GET", "/earnings"),
    _api("GET", "/stats"),
    _api("POST", "/uploads"),
    _api("GET", "/uploads/{upload_id}"),
    _api("DELETE", "/uploads/{upload_id}"),
    _api("GET", "/uploads/{upload_id}/parts"),
    _api("POST", "/uploads/{upload_id}/complete"),
    _api("GET", "/content/{id}", public=True),
    _api("GET", "/content/{id}/upgrades", public=True),
    _api("GET", "/payouts/{id}/proof", public=True),
    _api("GET", "/health", public=True),
    _api("GET", "/openapi.json", public=True),
    _api("GET", "/docs", public=True),
)
"""Everything else falls to the Api function, whose 404 is a problem document like any other."""
