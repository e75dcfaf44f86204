"""The OpenAPI document of both functions together, generated from their routes.

The api function serves it as a file, because it does not carry the other function's code;
a test generates it anew and compares (``python -m pixr.ops.openapi`` writes it).
"""

import json
from typing import Any, Final

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from functions.caller import SECURITY_SCHEME
from functions.http import PROBLEM_TYPE, Http, Problem

TITLE: Final = "Pixr DeFi"
VERSION: Final = "0.1.0"

_SCOPES: Final = "scopes: wallet:read, wallet:withdraw, invest, views:write, stats:read"
_PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}


def document(*apps: Http) -> dict[str, Any]:
    """Merge the documents of ``apps``; every refusal in it is a problem document."""
    merged: dict[str, Any] = {}
    for app in apps:
        one = json.loads(
            app.get_openapi_json_schema(
                title=TITLE,
                version=VERSION,
                security_schemes={
                    SECURITY_SCHEME: HTTPBearer(
                        bearerFormat="JWT", description=f"OpenID Connect access token; {_SCOPES}"
                    )
                },
            )
        )
        if not merged:
            merged = one
            continue
        merged["paths"].update(one["paths"])
        for kind, items in one["components"].items():
            merged["components"].setdefault(kind, {}).update(items)
    summaries = {place: text for app in apps for place, text in app.summaries.items()}
    for path, operations in merged["paths"].items():
        for method, operation in operations.items():
            operation["summary"] = summaries[path, method]
            _answer_problems(operation)
    schemas = merged["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["components"]["schemas"] = dict(sorted(schemas.items()))
    return merged


def _answer_problems(operation: dict[str, Any]) -> None:
    """Say in the document what ``functions.http`` does: one format for everything refused."""
    responses = operation["responses"]
    for status in ("422", "500"):
        responses.pop(status, None)
    content = {PROBLEM_TYPE: {"schema": _PROBLEM_REF}}
    if "204" in responses:
        responses["204"].pop("content", None)
    responses["4XX"] = {"description": "Refused, and why", "content": content}
    responses["5XX"] = {"description": "Our fault, or a part is away", "content": content}
