"""The fixed values of the API, as types: a type checker finds `outcome == "complete"`."""

from typing import Literal, TypeAlias

State: TypeAlias = Literal["watching", "settled", "cancelled"]
Outcome: TypeAlias = Literal["completed", "completed_with_failures", "failed", "not_found", "forbidden", "timed_out"]
DeliveryState: TypeAlias = Literal["pending", "delivered", "abandoned", "skipped"]
DestinationType: TypeAlias = Literal["slack", "slack_webhook", "callback", "named"]
Verdict: TypeAlias = Literal["accepted", "deferred", "rejected"]
WaitReason: TypeAlias = Literal[
    "next_poll",
    "budget",
    "rally_pause",
    "rally_down",
    "key_refused",
    "imports_vanished",
    "workspace_unknown",
    "settling",
    "no_worker",
    "replicas",
    "redis_full",
    "sending",
    "retry",
    "retry_after",
    "precedence",
    "digest",
]
EventName: TypeAlias = Literal["watch", "reading", "poll", "waiting", "outcome", "delivery"]
Until: TypeAlias = Literal["ended", "delivered"]
"""How long to wait for a watch: until it has ended, or until its deliveries have ended as well."""
