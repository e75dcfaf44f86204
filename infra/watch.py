"""The stack that looks at the others: the dashboard, the alarms, and whom they tell."""

from __future__ import annotations

from aws_cdk import App, Duration, Stack

from infra.constructs.watch import Watchtower
from infra.service import Service


class Watch(Stack):
    """The dashboard, the alarms, and whom they tell."""

    def __init__(
        self, app: App, id_: str, *, stage: str, service: Service, alarm_email: str | None
    ) -> None:
        super().__init__(app, id_)
        Watchtower(
            self,
            "Watchtower",
            stage=stage,
            queues=service.queues.all(),
            server_errors=service.gateway.http_api.metric_server_error(
                period=Duration.minutes(1), statistic="Sum"
            ),
            alarm_email=alarm_email,
        )
