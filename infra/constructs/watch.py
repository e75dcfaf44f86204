"""What is looked at, what wakes a person, and what each alarm means.

Silence is an alarm where it must be: a settler that stopped looks exactly like one with nothing to
do, so missing ticks count as zero ticks. Each alarm's paragraph in docs/operations.md has its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.queue import WorkQueue

NAMESPACE: Final = "Pixr"
# Ten payouts of the smallest batch: enough for the minutes a person needs to refill.
TREASURY_LAMPORTS_MIN: Final = 1_000_000_000

AT_LEAST: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One of our own metrics, and when it should wake somebody.

    Attributes:
        metric: Name, as the function that emits it spells it.
        service: Which function emits it (POWERTOOLS_SERVICE_NAME).
        statistic: How a minute's values become one.
        alarm: Name of the alarm and of its paragraph; empty when the metric is only drawn.
        means: One sentence for the person who is woken.
        comparison: AT_LEAST or BELOW the threshold.
        threshold: In the metric's own unit.
        minutes: How many minutes in a row.
        silence_is_bad: Whether a missing value counts as a breach.
    """

    metric: str
    service: str = "batch"
    statistic: str = "Maximum"
    alarm: str = ""
    means: str = ""
    comparison: cloudwatch.ComparisonOperator = AT_LEAST
    threshold: float = 1
    minutes: int = 1
    silence_is_bad: bool = False


WATCHED: Final = (
    Watched(
        metric="Ticks",
        statistic="Sum",
        alarm="SettlerSilent",
        means="The settler has not finished a run for five minutes: nobody is being paid.",
        comparison=BELOW,
        minutes=5,
        silence_is_bad=True,
    ),
    Watched(
        metric="HoldBatches",
        alarm="BatchesHeld",
        means="A batch could not be decided and will not be paid until a person looks.",
    ),
    Watched(
        metric="SettlementPaused",
        alarm="SettlementPaused",
        means="Nothing is planned or signed until a person resumes it.",
    ),
    Watched(
        metric="BatchSuccessRate",
        statistic="Average",
        alarm="BatchesFailing",
        means="Fewer than 95 % of the batches that were decided were paid.",
        comparison=BELOW,
        threshold=95,
        minutes=5,
    ),
    Watched(
        metric="LedgerDrift",
        alarm="LedgerDrift",
        means="Chain and ledger differ. Stop settling first, then find out why.",
    ),
    Watched(
        metric="ChainUnseen",
        # One node that restarts, or a morning's dust, is gone by then.
        minutes=10,
        alarm="ChainUnseen",
        means="A restored database or a stolen key might go unnoticed: the walk cannot see it all.",
    ),
    Watched(
        metric="TreasuryLamports",
        statistic="Minimum",
        alarm="TreasuryLow",
        means="The hot treasury holds less than 1 SOL; refill it from the reserve.",
        comparison=BELOW,
        threshold=TREASURY_LAMPORTS_MIN,
        minutes=3,
    ),
    Watched(
        metric="TreasuryBelowFloat",
        # A deposit or a rent that comes home may mend it by itself.
        minutes=3,
        alarm="TreasuryBelowFloat",
        means="The hot treasury is below HOT_FLOAT_LAMPORTS: `pixr treasury refill`.",
    ),
    Watched(metric="TreasuryMissingLamports"),
    Watched(metric="PendingEarningsLamports"),
    Watched(metric="TransactionSeconds", statistic="p95"),
    Watched(metric="FeeSavingShare", statistic="Average"),
    Watched(metric="UpgradeQueueDepth"),
    # How far estimates of upgrades were off; the goal is within 10 at the median.
    Watched(metric="UpgradeCostError", statistic="p50"),
    Watched(metric="WalletsCreated", service="wallet", statistic="Sum"),
)


class Watchtower(Construct):
    """Alarms, the topic they shout to, and one dashboard."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: str,
        queues: Mapping[str, WorkQueue],
        server_errors: cloudwatch.Metric,
        alarm_email: str | None,
    ) -> None:
        super().__init__(scope, id_)
        self._topic = self._make_topic(alarm_email)
        self._dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"pixr-{stage}",
            default_interval=Duration.hours(3),
        )
        self._watch_ours()
        self._watch_dead_letters(queues)
        self._watch_api(server_errors)

    def _make_topic(self, email: str | None) -> sns.Topic:
        key = kms.Key(
            self, "Key", description="Encrypts alarms on their way", enable_key_rotation=True
        )
        # CloudWatch cannot publish to a topic under the account's default key, and says nothing.
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _watch_ours(self) -> None:
        for watched in WATCHED:
            metric = cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=watched.metric,
                dimensions_map={"service": watched.service},
                statistic=watched.statistic,
                period=Duration.minutes(1),
            )
            self._draw(watched.metric, [metric])
            if watched.alarm:
                self._alarm(metric, watched)

    def _watch_dead_letters(self, queues: Mapping[str, WorkQueue]) -> None:
        depths = []
        for name, queue in queues.items():
            depth = queue.dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            )
            # A label turns the alarm into a formula, so only the drawing has one.
            depths.append(depth.with_(label=name))
            watched = Watched(
                metric="ApproximateNumberOfMessagesVisible",
                alarm=f"{name}DeadLetters",
                means=f"A message of the {name} queue failed every time; its body names the job.",
            )
            self._alarm(depth, watched)
        self._draw("Dead letters", depths)

    def _watch_api(self, server_errors: cloudwatch.Metric) -> None:
        self._draw("5xx answers", [server_errors])
        watched = Watched(
            metric="5xx",
            alarm="ApiFailing",
            means="The API answered at least five requests a minute with 5xx, for three minutes.",
            threshold=5,
            minutes=3,
        )
        self._alarm(server_errors, watched)

    def _draw(self, title: str, metrics: list[cloudwatch.Metric]) -> None:
        self._dashboard.add_widgets(
            cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=5)
        )

    def _alarm(self, metric: cloudwatch.Metric, watched: Watched) -> None:
        missing = cloudwatch.TreatMissingData
        alarm = metric.create_alarm(
            self,
            watched.alarm,
            alarm_description=f"{watched.means} docs/operations.md: {watched.alarm}",
            comparison_operator=watched.comparison,
            threshold=watched.threshold,
            evaluation_periods=watched.minutes,
            treat_missing_data=(
                missing.BREACHING if watched.silence_is_bad else missing.NOT_BREACHING
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
