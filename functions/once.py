"""The Idempotency-Key: how a request that moves money is told from its own repetition."""

import hashlib
import json
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel

from functions.caller import Caller
from functions.second_factor import IN_BODY
from pixr.adapters.postgres.idempotency import Claim

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x20-\x7e]{1,128}$",
        description="1 to 128 printable ASCII characters, yours to choose; "
        "the same key with the same body gets the first answer again",
    ),
]

_SEPARATORS: Final = (",", ":")


def claim_of(caller: Caller, key: str, route: str, body: BaseModel) -> Claim:
    """Name a request by who sends it, where, and what its body means.

    The body counts as read, not byte for byte: a client that orders or spaces it otherwise
    when it tries again still sends the same request. A code of the second factor is no part of
    it: a minute later it is another one.
    """
    canonical = json.dumps(
        body.model_dump(exclude={IN_BODY}),
        sort_keys=True,
        separators=_SEPARATORS,
        ensure_ascii=False,
        default=str,
    )
    return Claim(
        user_id=caller.user_id,
        key=key,
        route=route,
        body_sha256=hashlib.sha256(canonical.encode()).digest(),
    )
