"""HTTP at the edge: what comes in, and how every refusal looks.

    event ─▶ route? ─▶ guard ─▶ body ─▶ fields ─▶ use case ─▶ answer
               404    401 403 429  400      400        STATUS      or a problem document

One resolver for both functions. A route names its scopes once, in ``security``: the same
words are checked here and printed in the OpenAPI document. Nothing internal leaves: a problem
carries a stable ``code``, plain words and the request's id, by which the log has the rest.
"""

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.caller import Caller
from functions.guard import Guard, check_room, headers_of
from functions.json_body import BODY_BYTES_MAX, BodyTooLarge, NotJson, read_object
from pixr.domain.errors import (
    AllowlistFull,
    AlreadyListed,
    BadDestination,
    BeingMade,
    Forbidden,
    KeyReused,
    Malformed,
    NewDestination,
    NoGain,
    NotFound,
    Outage,
    Overdrawn,
    Overfunded,
    QuoteUnavailable,
    Refusal,
    SecondFactorLocked,
    SecondFactorMissing,
    SecondFactorNeeded,
    SecondFactorPresent,
    SettlementNotStarted,
    StillRunning,
    TokenTooOld,
    TooManyRequests,
    TooSmall,
    Unauthenticated,
    UploadConflict,
    WalletMissing,
    WithdrawalLimit,
    WithdrawalsFrozen,
    WrongCode,
)
from pixr.domain.money import format_sol
from pixr.domain.rates import Room

PREFIX: Final = "/api/defi"
PROBLEM_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[type[Refusal], HTTPStatus]] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    BadDestination: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    TokenTooOld: HTTPStatus.UNAUTHORIZED,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Forbidden: HTTPStatus.FORBIDDEN,
    SecondFactorMissing: HTTPStatus.FORBIDDEN,
    SecondFactorNeeded: HTTPStatus.UNAUTHORIZED,
    WrongCode: HTTPStatus.UNAUTHORIZED,
    SecondFactorLocked: HTTPStatus.TOO_MANY_REQUESTS,
    SecondFactorPresent: HTTPStatus.CONFLICT,
    WithdrawalsFrozen: HTTPStatus.FORBIDDEN,
    WithdrawalLimit: HTTPStatus.TOO_MANY_REQUESTS,
    NewDestination: HTTPStatus.CONFLICT,
    AllowlistFull: HTTPStatus.CONFLICT,
    AlreadyListed: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    WalletMissing: HTTPStatus.CONFLICT,
    Overdrawn: HTTPStatus.CONFLICT,
    TooSmall: HTTPStatus.CONFLICT,
    Overfunded: HTTPStatus.CONFLICT,
    NoGain: HTTPStatus.CONFLICT,
    BeingMade: HTTPStatus.CONFLICT,
    UploadConflict: HTTPStatus.CONFLICT,
    StillRunning: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    QuoteUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    SettlementNotStarted: HTTPStatus.SERVICE_UNAVAILABLE,
}

OUTAGE_RETRY_AFTER_S: Final = 5

ERRORS_MAX: Final = 20
"""A thousand bad events are told by the first of them."""
FIELD_LENGTH_MAX: Final = 80


class FieldError(BaseModel):
    """One field and the rule that it breaks; never the value."""

    field: str
    rule: str


class Problem(BaseModel):
    """The body of every 4xx and 5xx answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """The request's id, by which we find it in the log."""
    code: str
    errors: list[FieldError] = []


class Door(OpenAPIRequestValidationMiddleware):
    """Runs before everything else of a route: the token, the minute's room, then the body."""

    def __init__(self, guard: Callable[[], Guard]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bare
        self._guard = guard

    def handler(self, app: Any, next_middleware: Any) -> Any:
        """Refuse, or let the request on to the validation of its fields."""
        security = cast("list[dict[str, list[str]]]", app.context["_route"].security or [])
        method, event = app.current_event.http_method, app.current_event.raw_event
        guard = self._guard()
        caller = guard.identify(event, method, security)
        app.append_context(caller=caller)
        room = guard.count(event, method, security, caller)
        # Before the refusal, which tells of it, too.
        app.append_context(room=room)
        check_room(room)
        answer: Any = super().handler(app, next_middleware)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- generic of nothing
        if room is not None:
            answer.headers.update(headers_of(room))
        return answer

    def _get_body(self, app: Any) -> dict[str, Any]:
        return read_object(app.current_event.raw_event)


class Http(APIGatewayHttpResolver):
    """Powertools' resolver with our door before it and our problems behind it."""

    def __init__(self, logger: Logger, guard: Callable[[], Guard]) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] -- powertools' bare dicts
            enable_validation=True,
            response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
        )
        self._request_validation_middleware = Door(guard)
        self._logger = logger
        self.exception_handler(Refusal)(self._refused)
        self.exception_handler(RequestValidationError)(self._invalid)
        self.exception_handler(BodyTooLarge)(self._too_large)
        self.exception_handler(NotJson)(self._not_json)
        self.exception_handler(NotFoundError)(self._no_route)
        self.exception_handler(Outage)(self._outage)
        # Named, because Powertools would answer it by itself, fields of ours included.
        self.exception_handler([ResponseValidationError, Exception])(self._broken)

    @property
    def caller(self) -> Caller:
        """Who calls; only in routes that name a scope."""
        return cast("Caller", self.context["caller"])  # pyright: ignore[reportUnknownMemberType] -- a bare dict

    @property
    def request_id(self) -> str:
        """The gateway's id of this request."""
        context: Any = self.current_event.raw_event.get("requestContext") or {}
        return str(context.get("requestId", ""))

    @property
    def summaries(self) -> dict[tuple[str, str], str]:
        """Path and method → the first line of the route's docstring, for the document."""
        routes: list[Any] = [*self._static_routes, *self._dynamic_routes]
        return {
            (route.openapi_path, route.method.lower()): (route.func.__doc__ or "").split("\n")[0]
            for route in routes
        }

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer ``event``; no cache may keep what is somebody's money."""
        answer = super().resolve(event, context)
        # Powertools passes our HTTPStatus on; outside there are only numbers.
        answer["statusCode"] = int(answer["statusCode"])
        answer.setdefault("headers", {})["Cache-Control"] = "no-store"
        # A 204 has none; what stands between us and the caller may not know null.
        answer["body"] = answer.get("body") or ""
        self._logger.info(
            "request.answered", status=answer["statusCode"], path=str(event.get("rawPath"))[:200]
        )
        return answer

    def _refused(self, error: Refusal) -> Response[str]:
        errors = (
            [FieldError(field=error.field, rule=error.rule)] if isinstance(error, Malformed) else []
        )
        return self._problem(
            STATUS[type(error)],
            error.code,
            error.title,
            str(error),
            errors=errors,
            extra={name: _pair(lamports) for name, lamports in error.amounts.items()},
            retry_after_s=error.retry_after_s,
        )

    def _invalid(self, error: RequestValidationError) -> Response[str]:
        """Say which fields are wrong and why, and nothing of what they contained."""
        items = cast("Sequence[Mapping[str, Any]]", error.errors())
        errors = [_field_error(item) for item in items[:ERRORS_MAX]]
        detail = "; ".join(f"{item.field}: {item.rule}" for item in errors[:3])
        return self._problem(
            HTTPStatus.BAD_REQUEST, Malformed.code, Malformed.title, detail, errors=errors
        )

    def _too_large(self, _: BodyTooLarge) -> Response[str]:
        return self._problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too-large",
            "The request is too large",
            f"a body may have {BODY_BYTES_MAX} bytes at most",
        )

    def _not_json(self, error: NotJson) -> Response[str]:
        return self._problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "The body must be JSON",
            f"send content-type: application/json, not {error.content_type[:80]!r}",
        )

    def _no_route(self, _: NotFoundError) -> Response[str]:
        path = str(self.current_event.path)
        routes: list[Any] = [*self._static_routes, *self._dynamic_routes]
        allowed = sorted({route.method for route in routes if route.rule.match(path)})
        if allowed:
            return self._problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The method is not allowed",
                f"{self.current_event.http_method[:16]} is not one of {', '.join(allowed)}",
                headers={"Allow": ", ".join(allowed)},
            )
        return self._problem(
            HTTPStatus.NOT_FOUND,
            NotFound.code,
            NotFound.title,
            f"there is no route {path[:200]!r}; {PREFIX}/openapi.json lists them all",
        )

    def _outage(self, error: Outage) -> Response[str]:
        self._logger.error("outage.met", part=error.part, reason=str(error))
        return self._problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "unavailable",
            "A part of the service does not answer",
            f"the {error.part} does not answer at the moment; ask again, with the same "
            "Idempotency-Key where there is one",
            retry_after_s=OUTAGE_RETRY_AFTER_S,
        )

    def _broken(self, error: Exception) -> Response[str]:
        self._logger.error("request.failed", error_type=type(error).__name__, exc_info=error)
        return self._problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side",
            "it is in our log under this request's id; asking again may help",
        )

    def _problem(
        self,
        status: HTTPStatus,
        code: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response[str]:
        problem = Problem(
            type=f"/problems/{code}",
            title=title,
            status=status,
            detail=detail,
            instance=self.request_id,
            code=code,
            errors=list(errors),
        )
        answer_headers: dict[str, str | list[str]] = dict(headers or {})
        room = cast("Room | None", self.context.get("room"))  # pyright: ignore[reportUnknownMemberType] -- a bare dict
        if room is not None:
            answer_headers.update(headers_of(room))
        if retry_after_s is not None:
            answer_headers["Retry-After"] = str(retry_after_s)
        body = {**problem.model_dump(exclude_defaults=True), **(extra or {})}
        return Response(
            status_code=status,
            content_type=PROBLEM_TYPE,
            body=json.dumps(body),
            headers=answer_headers,
        )


def _pair(lamports: int) -> dict[str, str]:
    return {"lamports": str(lamports), "sol": format_sol(lamports)}


def _field_error(item: Mapping[str, Any]) -> FieldError:
    place = [_printable(str(part)) for part in item["loc"]]
    # "body", "query" or "header" says nothing that the caller does not know.
    named = place[1:] or place
    rule = str(item.get("msg", "is not valid")).removeprefix("Value error, ")
    return FieldError(field=".".join(named)[:FIELD_LENGTH_MAX], rule=rule)


def _printable(text: str) -> str:
    """A name that a caller made up is shown, but not its control characters."""
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text[:64])
