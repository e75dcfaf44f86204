"""The five queues between the functions.

    bucket ──▶ PlanQueue ──▶ EncodeQueue ──▶ AssembleQueue ──▶ SettleQueue ◀── Wallet, Api
                   ▲                                                │
                   └──────────────────── Batch ◀────────────────────┘

    MediaConvert's events ──▶ FallbackQueue ──▶ AssembleQueue

They stand apart from their functions because the arrows go round: whoever came first would need
the other's address.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.queue import WorkQueue

# A message must stay hidden longer than its function may run, else two copies work on it.
PLAN_VISIBILITY_S: Final = 180
ENCODE_VISIBILITY_S: Final = 960
ASSEMBLE_VISIBILITY_S: Final = 960
SETTLE_VISIBILITY_S: Final = 60
# MediaConvert knows a repeated CreateJob for one minute: a message that failed is back before.
FALLBACK_VISIBILITY_S: Final = 45

# A wake-up that meets a running settler is thrown back unread, and that counts as a receive. Ten
# in a row is ten minutes: by then something is wrong.
SETTLE_RECEIVES_MAX: Final = 10
# Seven minutes without an answer of MediaConvert; whatever takes longer is for a person.
FALLBACK_RECEIVES_MAX: Final = 10


class Queues(Construct):
    """Work for the video pipeline, and wake-ups for the settler."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        work = Duration.days(4)
        self.plan = WorkQueue(self, "Plan", visibility_s=PLAN_VISIBILITY_S, retention=work)
        self.encode = WorkQueue(self, "Encode", visibility_s=ENCODE_VISIBILITY_S, retention=work)
        self.assemble = WorkQueue(
            self, "Assemble", visibility_s=ASSEMBLE_VISIBILITY_S, retention=work
        )
        self.fallback = WorkQueue(
            self,
            "Fallback",
            visibility_s=FALLBACK_VISIBILITY_S,
            retention=work,
            receives_max=FALLBACK_RECEIVES_MAX,
        )
        self.settle = WorkQueue(
            self,
            "Settle",
            visibility_s=SETTLE_VISIBILITY_S,
            retention=Duration.hours(1),
            receives_max=SETTLE_RECEIVES_MAX,
        )

    def all(self) -> dict[str, WorkQueue]:
        """Every queue by its name."""
        return {
            "Plan": self.plan,
            "Encode": self.encode,
            "Assemble": self.assemble,
            "Fallback": self.fallback,
            "Settle": self.settle,
        }
