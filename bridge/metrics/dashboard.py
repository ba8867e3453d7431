"""The dashboard for Grafana, made from the list of metrics.

Format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.metrics import catalogue as metrics
from bridge.metrics.metric import Metric

SCHEMA_VERSION = 39
UID = "rally-bridge"
WIDTH, HEIGHT, COLUMNS = 8, 8, 3
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One query of a panel, and how its series are named."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot; `unit` is one of Grafana's."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


def _now(metric: Metric, *by: str) -> Curve:
    """Return the value of a gauge that every process of the API returns alike."""
    return Curve(f"max by ({', '.join(by)}) ({metric.name})" if by else f"max({metric.name})", _legend(metric, by))


def _rate(metric: Metric, *by: str) -> Curve:
    """Return the growth per second of a counter, summed over all processes."""
    return Curve(f"sum by ({', '.join(by)}) (rate({metric.name}[$__rate_interval]))", _legend(metric, by))


def _quantiles(metric: Metric, *by: str) -> tuple[Curve, ...]:
    grouped = ", ".join((*by, "le"))
    rates = f"sum by ({grouped}) (rate({metric.name}_bucket[$__rate_interval]))"
    names = " ".join(f"{{{{{label}}}}}" for label in by)
    return tuple(
        Curve(f"histogram_quantile({share / 100:g}, {rates})", f"p{share} {names}".strip()) for share in (50, 95)
    )


def _legend(metric: Metric, by: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by) or metric.short.replace("_", " ")


PANELS = (
    Panel("Open watches", "short", (_now(metrics.WATCHES_OPEN),)),
    Panel("Ends of watches", "ops", (_rate(metrics.WATCHES_SETTLED, "outcome"),)),
    Panel("End of an import until seen", "s", _quantiles(metrics.DETECTION_DELAY, "workspace")),
    Panel("Polls", "reqps", (_rate(metrics.POLLS, "workspace", "answer"),)),
    Panel("Lateness of polls", "s", _quantiles(metrics.POLL_LATENESS, "workspace")),
    Panel(
        "Rally's rate limit in the window",
        "short",
        tuple(
            Curve(_now(metric, "workspace").expr, f"{{{{workspace}}}} {name}")
            for name, metric in {
                "limit": metrics.BUDGET_LIMIT,
                "left": metrics.BUDGET_AVAILABLE,
                "ours": metrics.BUDGET_SPENT,
            }.items()
        ),
    ),
    Panel("Attempts", "ops", (_rate(metrics.ATTEMPTS, "kind", "verdict"),)),
    Panel("End of a watch until accepted by the receiver", "s", _quantiles(metrics.DELIVERY_DELAY, "kind")),
    Panel("Abandoned messages", "ops", (_rate(metrics.ABANDONED, "kind"),)),
    Panel("Stored deliveries", "short", (_now(metrics.DELIVERIES, "state"),)),
    Panel("Late work", "short", (_now(metrics.LANES_OVERDUE), _now(metrics.RULES_OVERDUE, "work"))),
    Panel(
        "Paused workspaces",
        "s",
        (_now(metrics.PAUSE_SECONDS, "workspace"),),
    ),
    Panel("Requests", "reqps", (_rate(metrics.REQUESTS, "route", "status"),)),
    Panel("Request duration", "s", _quantiles(metrics.REQUEST_DURATION, "route")),
    Panel("Pushes", "ops", (_rate(metrics.PUSH_REQUESTS, "workspace", "result"),)),
    Panel("Workers alive", "short", (_now(metrics.WORKERS_ALIVE),)),
    Panel("Memory of Redis", "bytes", (_now(metrics.REDIS_MEMORY_USED), _now(metrics.REDIS_MEMORY_LIMIT))),
    Panel("Errors of Redis", "ops", (_rate(metrics.REDIS_ERRORS, "error"),)),
    Panel("Notices to the operator", "ops", (_rate(metrics.NOTICES, "result"),)),
    Panel("Rounds of shifts", "s", _quantiles(metrics.SHIFT_ROUND, "shift")),
    Panel("Results of rules", "ops", (_rate(metrics.RULE_RESULTS, "rule", "result"),)),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard, to be imported into Grafana."""
    return {
        "uid": UID,
        "title": "rally-bridge",
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(PANELS):
        row, column = divmod(number, COLUMNS)
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "datasource": DATASOURCE,
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "targets": [_target(position, curve) for position, curve in enumerate(panel.curves)],
        }


def _target(position: int, curve: Curve) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + position),
        "datasource": DATASOURCE,
        "expr": curve.expr,
        "legendFormat": curve.legend,
    }
