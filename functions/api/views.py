"""Take view events: all of a request onto the stream, or none."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from functions.api.answers import ContentId
from functions.values import Request
from pixr.domain.errors import Malformed
from pixr.domain.views import (
    EVENT_ID_LENGTH_MAX,
    EVENTS_MAX,
    VIEWER_ID_LENGTH_MAX,
    WATCHED_SECONDS_MAX,
    ViewEvent,
    check_time,
    watched_ms,
)

if TYPE_CHECKING:
    from pixr.adapters.redis import ViewStream

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_PLAIN = r"^[^\x00-\x1f\x7f]+$"


def _milliseconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        # Pydantic makes a refusal of a ValueError, not of a TypeError.
        raise ValueError("must be a number of seconds")  # noqa: TRY004 -- as above
    try:
        return watched_ms(value)
    except Malformed as error:
        raise ValueError(error.rule) from None


def _rfc3339(value: object) -> str:
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError("must be RFC 3339 with a time zone, such as 2030-01-01T12:00:00Z")
    return value


class ViewEventRequest(Request):
    """One view. ``event_id`` is the idempotency key: sent twice, it earns once."""

    model_config = ConfigDict(validate_by_alias=True)

    event_id: Annotated[
        str, StringConstraints(min_length=1, max_length=EVENT_ID_LENGTH_MAX, pattern=_PLAIN)
    ]
    content_id: ContentId
    viewer_id: Annotated[
        str, StringConstraints(min_length=1, max_length=VIEWER_ID_LENGTH_MAX, pattern=_PLAIN)
    ]
    watched_ms: Annotated[
        int,
        BeforeValidator(_milliseconds),
        WithJsonSchema({"type": "number", "minimum": 0, "maximum": WATCHED_SECONDS_MAX}),
        Field(alias="watched_seconds"),
    ]
    occurred_at: Annotated[
        AwareDatetime,
        BeforeValidator(_rfc3339),
        WithJsonSchema({"type": "string", "format": "date-time"}),
    ]


class ViewsRequest(Request):
    """Up to a thousand events."""

    events: Annotated[list[ViewEventRequest], Field(min_length=1, max_length=EVENTS_MAX)]


def take_views(stream: "ViewStream", events: Sequence[ViewEventRequest], *, now: datetime) -> int:
    """Queue the events and return how many, once the stream (and its replicas) have them.

    Raises:
        Malformed: One of them is from the future or too old; it is named, nothing is queued.
        StreamUnreachable: They may or may not be queued; sending them again is right.
    """
    for number, event in enumerate(events):
        try:
            check_time(event.occurred_at, now=now)
        except Malformed as error:
            raise Malformed(f"events.{number}.{error.field}", error.rule) from None
    stream.append(
        [
            ViewEvent(
                event_id=event.event_id,
                content_id=event.content_id,
                viewer_id=event.viewer_id,
                watched_ms=event.watched_ms,
                occurred_at=event.occurred_at,
            )
            for event in events
        ]
    )
    return len(events)
