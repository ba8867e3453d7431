"""The alerts, judged by Prometheus: each fires for its cause, and not without it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.domain.runbook import Section
from bridge.metrics.alerts import ALERTS, Alert, rules
from bridge.metrics.catalogue import METRICS
from bridge.metrics.dashboard import PANELS
from bridge.metrics.metric import Kind
from bridge.web.endpoints.guides import anchor, read
from tests.support.promtool import needs_promtool, promtool

RUNBOOK = "https://bridge.example.com/docs/runbook"
STEP = "5m"
"""The distance of samples and of evaluations: a test of an hour has few of them."""
NAME = re.compile(r"rally_bridge_\w+")


@dataclass(frozen=True)
class Case:
    """Series that make an alert fire, and series that do not; the labels and the value that its text then has."""

    alert: str
    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str]
    value: str = ""


def of_workspace(alert: str, name: str) -> Case:
    series = f'{name}{{workspace="eu"}}'
    return Case(alert, {series: "1+0x60"}, {series: "0+0x60"}, {"workspace": "eu"})


# The names are written out: a metric that is renamed fails here.
CASES = [
    Case(
        "RallyBridgeApiMissing",
        {'rally_bridge_build_info{process="worker"}': "1+0x60"},
        {'rally_bridge_build_info{process="api"}': "1+0x60"},
        {"process": "api"},
    ),
    Case("RallyBridgeRedisDown", {"rally_bridge_redis_up": "0+0x60"}, {"rally_bridge_redis_up": "1+0x60"}, {}),
    Case(
        "RallyBridgeRedisReadOnly",
        {"rally_bridge_redis_writable": "0+0x60", 'rally_bridge_redis_errors_total{error="full"}': "0+3x60"},
        {"rally_bridge_redis_writable": "0+0x60", 'rally_bridge_redis_errors_total{error="replicas"}': "0+3x60"},
        {},
    ),
    Case(
        "RallyBridgeReplicasMissing",
        {"rally_bridge_redis_writable": "0+0x60", 'rally_bridge_redis_errors_total{error="replicas"}': "0+3x60"},
        {"rally_bridge_redis_writable": "0+0x60", 'rally_bridge_redis_errors_total{error="full"}': "0+3x60"},
        {},
    ),
    Case(
        "RallyBridgeRedisNearlyFull",
        {"rally_bridge_redis_memory_used_bytes": "95+0x60", "rally_bridge_redis_memory_limit_bytes": "100+0x60"},
        {"rally_bridge_redis_memory_used_bytes": "95+0x60", "rally_bridge_redis_memory_limit_bytes": "0+0x60"},
        {},
        "95%",
    ),
    Case(
        "RallyBridgeRedisEvicts",
        {"rally_bridge_redis_evicted_keys_total": "0+1x60"},
        {"rally_bridge_redis_evicted_keys_total": "7+0x60"},
        {},
    ),
    Case(
        "RallyBridgeNoWorker",
        {"rally_bridge_workers_alive": "0+0x60", "rally_bridge_redis_writable": "1+0x60"},
        {"rally_bridge_workers_alive": "0+0x60", "rally_bridge_redis_writable": "0+0x60"},
        {},
    ),
    of_workspace("RallyBridgeKeyRefused", "rally_bridge_key_refused"),
    of_workspace("RallyBridgeImportsVanished", "rally_bridge_imports_vanished"),
    of_workspace("RallyBridgeRallyDown", "rally_bridge_breaker_open"),
    Case(
        "RallyBridgeLimitUsedUp",
        {'rally_bridge_polls_total{workspace="eu",answer="over_limit"}': "0+3x60"},
        {'rally_bridge_polls_total{workspace="eu",answer="over_limit"}': "0+1x60"},
        {"workspace": "eu"},
    ),
    Case(
        "RallyBridgePollsLate",
        {'rally_bridge_imports_overdue{workspace="eu"}': "3+0x60"},
        {'rally_bridge_imports_overdue{workspace="eu"}': "0+0x60"},
        {"workspace": "eu"},
        "3",
    ),
    Case(
        "RallyBridgeEndsSeenLate",
        {
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="120"}': "0+0x60",
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="300"}': "0+1x60",
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="+Inf"}': "0+1x60",
        },
        {
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="120"}': "0+1x60",
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="300"}': "0+1x60",
            'rally_bridge_detection_delay_seconds_bucket{workspace="eu",le="+Inf"}': "0+1x60",
        },
        {"workspace": "eu"},
        "4m 51s",
    ),
    Case(
        "RallyBridgeMessagesAbandoned",
        {'rally_bridge_deliveries_abandoned_total{kind="slack"}': "0+1x60"},
        {'rally_bridge_deliveries_abandoned_total{kind="slack"}': "9+0x60"},
        {"kind": "slack"},
    ),
    Case(
        "RallyBridgeAttemptsFail",
        {
            'rally_bridge_delivery_attempts_total{kind="slack",verdict="deferred"}': "0+3x60",
            'rally_bridge_delivery_attempts_total{kind="slack",verdict="accepted"}': "0+1x60",
        },
        {
            'rally_bridge_delivery_attempts_total{kind="slack",verdict="deferred"}': "0+1x60",
            'rally_bridge_delivery_attempts_total{kind="slack",verdict="accepted"}': "0+3x60",
        },
        {"kind": "slack"},
    ),
    Case(
        "RallyBridgeMessagesLate",
        {"rally_bridge_lanes_overdue": "2+0x60"},
        {"rally_bridge_lanes_overdue": "0+0x60"},
        {},
        "2",
    ),
    Case(
        "RallyBridgeRulesLate",
        {'rally_bridge_rules_overdue{work="held"}': "1+0x60"},
        {'rally_bridge_rules_overdue{work="held"}': "0+0x60"},
        {"work": "held"},
    ),
    Case(
        "RallyBridgePushSilent",
        {'rally_bridge_push_silent{workspace="eu",type="CSV"}': "1+0x60"},
        {'rally_bridge_push_silent{workspace="eu",type="CSV"}': "0+0x60"},
        {"workspace": "eu", "type": "CSV"},
    ),
    Case(
        "RallyBridgePushesNotSigned",
        {'rally_bridge_push_requests_total{workspace="eu",event="none",result="push_not_signed"}': "0+1x60"},
        {
            'rally_bridge_push_requests_total{workspace="eu",event="none",result="push_not_signed"}': "0+1x60",
            'rally_bridge_push_requests_total{workspace="eu",event="csv",result="watched"}': "0+1x60",
        },
        {"workspace": "eu"},
    ),
    Case(
        "RallyBridgeNoticesFail",
        {'rally_bridge_operator_notices_total{result="failed"}': "0+1x60"},
        {'rally_bridge_operator_notices_total{result="delivered"}': "0+1x60"},
        {},
    ),
    Case(
        "RallyBridgeInternalErrors",
        {'rally_bridge_requests_total{route="/v1/watches",status="500"}': "0+1x60"},
        {'rally_bridge_requests_total{route="/v1/watches",status="503"}': "0+1x60"},
        {"route": "/v1/watches"},
    ),
]


def alert_of(case: Case) -> Alert:
    (alert,) = (each for each in ALERTS if each.name == case.alert)
    return alert


def summary(alert: Alert, case: Case) -> str:
    """Return the text of an alert with its labels and its value."""
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda label: case.labels[label[1]], alert.summary)
    return re.sub(r"{{ \$value[^}]*}}", case.value, text)


def fired(case: Case) -> dict[str, Any]:
    alert = alert_of(case)
    return {
        "exp_labels": {"severity": alert.severity, **case.labels},
        "exp_annotations": {"summary": summary(alert, case), "runbook_url": f"{RUNBOOK}#{alert.section}"},
    }


def rule_test(case: Case, series: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": STEP,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "60m", "alertname": case.alert, "exp_alerts": expected}],
    }


@pytest.mark.slow
@needs_promtool
def test_each_alert_fires_for_its_cause_and_not_without_it(tmp_path: Path) -> None:
    tests = [rule_test(case, case.bad, [fired(case)]) for case in CASES]
    tests += [rule_test(case, case.good, []) for case in CASES]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules(RUNBOOK)))
    (tmp_path / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": STEP, "tests": tests})
    )

    assert "SUCCESS" in promtool("test", "rules", "tests.yml", cwd=tmp_path)


def test_each_alert_has_such_a_test() -> None:
    assert [case.alert for case in CASES] == [alert.name for alert in ALERTS]


def test_the_runbook_has_a_section_for_each_alert_that_names_it() -> None:
    sections = {anchor(part.partition("\n")[0]): part for part in read("runbook").split("\n## ")[1:]}
    unnamed = [alert.name for alert in ALERTS if f"`{alert.name}`" not in sections.get(alert.section, "")]
    named = {name for part in sections.values() for name in re.findall(r"`(RallyBridge\w+)`", part)}

    assert unnamed == []
    assert named == {alert.name for alert in ALERTS}


def test_every_section_that_something_links_to_is_in_the_runbook() -> None:
    headings = [anchor(part.partition("\n")[0]) for part in read("runbook").split("\n## ")[1:]]

    assert sorted(headings) == sorted(Section)


EXPRESSIONS = [alert.expr for alert in ALERTS] + [curve.expr for panel in PANELS for curve in panel.curves]


@pytest.mark.parametrize("text", [*EXPRESSIONS, read("runbook")], ids=range(len(EXPRESSIONS) + 1))
def test_every_metric_that_is_used_exists(text: str) -> None:
    known = {metric.name for metric in METRICS}
    known |= {f"{metric.name}_bucket" for metric in METRICS if metric.kind is Kind.HISTOGRAM}
    assert set(NAME.findall(text)) - known == set()


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [curve.expr.replace("$__rate_interval", "5m") for panel in PANELS for curve in panel.curves]
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))

    assert f"{len(queries)} rules found" in promtool("check", "rules", "rules.yml", cwd=tmp_path)
