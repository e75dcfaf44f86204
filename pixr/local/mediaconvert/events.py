"""Tell what became of a job, to whoever the emulator's rules say.

EventBridge takes events of ``aws.*`` from nobody but AWS, and the emulator keeps to that. So this
reads the rules that are there, has EventBridge itself compare their patterns with the event, and
hands the same envelope to the queues behind those that fit.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pixr.domain.mediaconvert import DETAIL_TYPE, SOURCE
from pixr.local.aws import ACCOUNT, REGION

PAGES_MAX = 20


def envelope(job_arn: str, detail: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": ACCOUNT,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [job_arn],
        "detail": {"timestamp": int(now.timestamp() * 1000), "accountId": ACCOUNT, **detail},
    }


class Announcer:
    """Delivers events by the rules of the default bus."""

    def __init__(self, events: Any, sqs: Any) -> None:
        self._events = events
        self._sqs = sqs

    def announce(self, event: Mapping[str, Any]) -> int:
        """Deliver to every queue behind a rule that fits; how many there were."""
        body = json.dumps(event)
        told = 0
        for rule in self._rules():
            if not self._events.test_event_pattern(EventPattern=rule["EventPattern"], Event=body)[
                "Result"
            ]:
                continue
            for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                if ":sqs:" in target["Arn"]:
                    name = target["Arn"].rpartition(":")[2]
                    url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
                    self._sqs.send_message(QueueUrl=url, MessageBody=body)
                    told += 1
        return told

    def _rules(self) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = self._events.list_rules(**token)
            for rule in page["Rules"]:
                if rule.get("EventPattern") and rule.get("State") == "ENABLED":
                    yield rule
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}
