"""The alerts: rules for Prometheus, made from the list of metrics.

An alert lasts as long as its cause, so it also says when that has ended. What every process of the API returns alike is
aggregated by `max` or `min`. Each alert has a section in the runbook.

Format: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain.notices.redis_risks import NEARLY_FULL
from bridge.domain.runbook import Section
from bridge.metrics import catalogue as metrics
from bridge.metrics.metric import Metric

GROUP = "rally-bridge"
REFUSED_OFTEN = 3
"""Answers of 429 within ten minutes. The bridge keeps the limit, so a single one may follow a change of the limit."""
SLOW_DETECTION = 120
"""Seconds; polls of an import are at most a minute apart by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule, and its section in the runbook."""

    name: str
    expr: str
    after: str
    """How long the expression must hold."""
    severity: Literal["critical", "warning"]
    summary: str
    section: Section


def _worst(metric: Metric, *by: str) -> str:
    return f"max {_by(by)}({metric.name})"


def _grown(metric: Metric, window: str, *by: str, where: str = "") -> str:
    """Return the growth of a counter, summed over all processes."""
    return f"sum {_by(by)}(increase({metric.name}{where}[{window}]))"


def _by(labels: tuple[str, ...]) -> str:
    return f"by ({', '.join(labels)}) " if labels else ""


NOT_ACCEPTED = '{verdict!="accepted"}'
MISSING_REPLICAS = '{error="replicas"}'
OVER_LIMIT = '{answer="over_limit"}'
NOT_SIGNED = '{result="push_not_signed"}'
SIGNED = '{event!="none"}'
FAILED = '{result="failed"}'
INTERNAL_ERROR = '{status="500"}'

TOO_FEW_REPLICAS = f"{_grown(metrics.REDIS_ERRORS, '5m', where=MISSING_REPLICAS)} > 0"
OF_WORKSPACE = "of the workspace {{ $labels.workspace }}"

ALERTS = (
    Alert(
        name="RallyBridgeApiMissing",
        expr=f'absent({metrics.BUILD_INFO.name}{{process="api"}})',
        after="2m",
        severity="critical",
        summary="Prometheus reads no API of rally-bridge.",
        section=Section.API_SILENT,
    ),
    Alert(
        name="RallyBridgeRedisDown",
        expr=f"min({metrics.REDIS_UP.name}) == 0",
        after="1m",
        severity="critical",
        summary="Redis does not answer the API. No watch is accepted, and nothing is polled or sent.",
        section=Section.REDIS_SILENT,
    ),
    Alert(
        name="RallyBridgeRedisReadOnly",
        expr=f"min({metrics.REDIS_WRITABLE.name}) == 0 unless on () {TOO_FEW_REPLICAS}",
        after="1m",
        severity="critical",
        summary="Redis refuses writes. No watch is accepted, and nothing is polled or sent.",
        section=Section.REDIS_FULL,
    ),
    Alert(
        name="RallyBridgeReplicasMissing",
        expr=f"min({metrics.REDIS_WRITABLE.name}) == 0 and on () {TOO_FEW_REPLICAS}",
        after="1m",
        severity="critical",
        summary="Too few replicas of Redis are connected. No watch is accepted, and outcomes wait.",
        section=Section.REPLICAS_MISSING,
    ),
    Alert(
        name="RallyBridgeRedisNearlyFull",
        expr=f"{_worst(metrics.REDIS_MEMORY_USED)} / ({_worst(metrics.REDIS_MEMORY_LIMIT)} > 0) > {NEARLY_FULL}",
        after="5m",
        severity="warning",
        summary="Redis uses {{ $value | humanizePercentage }} of its memory. When it is full, it refuses writes.",
        section=Section.REDIS_FULL,
    ),
    Alert(
        name="RallyBridgeRedisEvicts",
        expr=f"max(increase({metrics.REDIS_EVICTED.name}[15m])) > 0",
        after="0m",
        severity="critical",
        summary="Redis deletes keys because its memory is full. Watches may be lost.",
        section=Section.REDIS_EVICTS,
    ),
    Alert(
        name="RallyBridgeNoWorker",
        expr=f"{_worst(metrics.WORKERS_ALIVE)} == 0 and on () min({metrics.REDIS_WRITABLE.name}) == 1",
        after="1m",
        severity="critical",
        summary="No worker is alive. Watches are accepted, but nothing is polled or sent.",
        section=Section.NO_WORKER,
    ),
    Alert(
        name="RallyBridgeKeyRefused",
        expr=f"{_worst(metrics.KEY_REFUSED, 'workspace')} == 1",
        after="1m",
        severity="critical",
        summary=f"Rally refuses the API key {OF_WORKSPACE}. Its polls are paused.",
        section=Section.KEY_REFUSED,
    ),
    Alert(
        name="RallyBridgeImportsVanished",
        expr=f"{_worst(metrics.IMPORTS_VANISHED, 'workspace')} == 1",
        after="1m",
        severity="critical",
        summary=f"Rally no longer shows the imports {OF_WORKSPACE}. Its polls are paused.",
        section=Section.IMPORTS_VANISHED,
    ),
    Alert(
        name="RallyBridgeRallyDown",
        expr=f"{_worst(metrics.BREAKER_OPEN, 'workspace')} == 1",
        after="5m",
        severity="warning",
        summary=f"Rally does not answer the polls {OF_WORKSPACE}.",
        section=Section.RALLY_DOWN,
    ),
    Alert(
        name="RallyBridgeLimitUsedUp",
        expr=f"{_grown(metrics.POLLS, '10m', 'workspace', where=OVER_LIMIT)} >= {REFUSED_OFTEN}",
        after="0m",
        severity="warning",
        summary=f"Rally answers polls {OF_WORKSPACE} with 429: another program uses up its limit.",
        section=Section.LIMIT_USED_UP,
    ),
    Alert(
        name="RallyBridgePollsLate",
        expr=f"{_worst(metrics.IMPORTS_OVERDUE, 'workspace')} > 0",
        after="10m",
        severity="warning",
        summary=f"{{{{ $value }}}} imports {OF_WORKSPACE} are polled more than a minute late.",
        section=Section.POLLS_LATE,
    ),
    Alert(
        name="RallyBridgeEndsSeenLate",
        expr=(
            f"histogram_quantile(0.95, sum by (workspace, le) (rate({metrics.DETECTION_DELAY.name}_bucket[30m])))"
            f" > {SLOW_DETECTION}"
        ),
        after="30m",
        severity="warning",
        summary=f"One in twenty ends of imports {OF_WORKSPACE} is seen {{{{ $value | humanizeDuration }}}} late.",
        section=Section.POLLS_LATE,
    ),
    Alert(
        name="RallyBridgeMessagesAbandoned",
        expr=f"{_grown(metrics.ABANDONED, '15m', 'kind')} > 0",
        after="0m",
        severity="warning",
        summary="Messages to destinations of the type {{ $labels.kind }} were given up.",
        section=Section.ABANDONED,
    ),
    Alert(
        name="RallyBridgeAttemptsFail",
        expr=(
            f"{_grown(metrics.ATTEMPTS, '15m', 'kind', where=NOT_ACCEPTED)}"
            f" / {_grown(metrics.ATTEMPTS, '15m', 'kind')} > 0.5"
        ),
        after="15m",
        severity="warning",
        summary="Most attempts to send to destinations of the type {{ $labels.kind }} fail.",
        section=Section.RECEIVER_FAILS,
    ),
    Alert(
        name="RallyBridgeMessagesLate",
        expr=f"{_worst(metrics.LANES_OVERDUE)} > 0",
        after="10m",
        severity="warning",
        summary="Messages to {{ $value }} receivers wait for more than a minute without an attempt.",
        section=Section.MESSAGES_LATE,
    ),
    Alert(
        name="RallyBridgeRulesLate",
        expr=f"{_worst(metrics.RULES_OVERDUE, 'work')} > 0",
        after="10m",
        severity="warning",
        summary="Work for rules ({{ $labels.work }}) is more than a minute late.",
        section=Section.MESSAGES_LATE,
    ),
    Alert(
        name="RallyBridgePushSilent",
        expr=f"{_worst(metrics.PUSH_SILENT, 'workspace', 'type')} == 1",
        after="0m",
        severity="warning",
        summary=f"Rally no longer pushes the end of {{{{ $labels.type }}}} imports {OF_WORKSPACE}. Rules hear of none.",
        section=Section.PUSH_SILENT,
    ),
    Alert(
        name="RallyBridgePushesNotSigned",
        expr=(
            f"{_grown(metrics.PUSH_REQUESTS, '1h', 'workspace', where=NOT_SIGNED)} > 0 unless"
            f" {_grown(metrics.PUSH_REQUESTS, '1h', 'workspace', where=SIGNED)} > 0"
        ),
        after="5m",
        severity="warning",
        summary=f"No push {OF_WORKSPACE} has a valid signature.",
        section=Section.PUSH_SILENT,
    ),
    Alert(
        name="RallyBridgeNoticesFail",
        expr=f"{_grown(metrics.NOTICES, '1h', where=FAILED)} > 0",
        after="0m",
        severity="warning",
        summary="A notice to the operator was not delivered.",
        section=Section.NOTICES_FAIL,
    ),
    Alert(
        name="RallyBridgeInternalErrors",
        expr=f"{_grown(metrics.REQUESTS, '15m', 'route', where=INTERNAL_ERROR)} > 0",
        after="0m",
        severity="warning",
        summary="Calls of {{ $labels.route }} were answered with 500.",
        section=Section.INTERNAL_ERRORS,
    ),
)


def rules(runbook: str) -> dict[str, Any]:
    """Return the document for Prometheus; `runbook` is the URL of the runbook."""
    return {"groups": [{"name": GROUP, "rules": [_rule(alert, runbook) for alert in ALERTS]}]}


def _rule(alert: Alert, runbook: str) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.after,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "runbook_url": f"{runbook}#{alert.section}"},
    }
