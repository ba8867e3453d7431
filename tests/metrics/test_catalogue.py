"""The list of metrics: names that operators have in their rules, and conventions."""

import pytest

from bridge.metrics import process_counts
from bridge.metrics.catalogue import METRICS
from bridge.metrics.metric import Kind, Metric, Source

PUBLIC = {
    *("build_info", "redis_errors_total", "operator_notices_total"),
    *("requests_total", "request_duration_seconds", "push_requests_total"),
    *("polls_total", "poll_lateness_seconds", "detection_delay_seconds", "watches_settled_total"),
    *("delivery_attempts_total", "deliveries_abandoned_total", "delivery_delay_seconds", "shift_round_seconds"),
    *("redis_up", "redis_writable", "redis_memory_used_bytes", "redis_memory_limit_bytes"),
    *("redis_evicted_keys_total", "workers_alive"),
    *("watches_open", "imports_settling", "lanes_overdue", "deliveries", "rules_overdue", "rule_results_total"),
    *("imports_polled", "imports_overdue", "budget_limit", "budget_available", "budget_spent", "pause_seconds"),
    *("key_refused", "imports_vanished", "breaker_open"),
    *("push_age_seconds", "push_matches_total", "push_misses_total", "push_growth", "push_silent"),
}


def test_no_public_name_has_changed() -> None:
    assert sorted(metric.name for metric in METRICS) == sorted(f"rally_bridge_{name}" for name in PUBLIC)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.short)
def test_a_metric_has_buckets_exactly_if_it_is_a_histogram(metric: Metric) -> None:
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_each_process_shows_all_that_it_counts() -> None:
    shown = {Source.API: process_counts.API, Source.WORKER: process_counts.WORKER}
    for source, series in shown.items():
        listed = {metric for metric in METRICS if metric.source in {source, Source.PROCESS}}
        built = process_counts.build_info("x", "1").metric
        assert {each.metric for each in series} | {built} == listed
