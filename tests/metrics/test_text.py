"""The text format, judged by Prometheus' own parsers."""

from prometheus_client.parser import text_string_to_metric_families

from bridge.metrics import catalogue
from bridge.metrics.counts import Count, Distribution
from bridge.metrics.metric import Kind
from bridge.metrics.text import Sampled, Series, render
from tests.support.promtool import needs_promtool, promtool


def series() -> list[Series]:
    """Return a value for every metric of the list."""
    made: list[Series] = []
    for metric in catalogue.METRICS:
        if metric.kind is Kind.HISTOGRAM:
            distribution = Distribution(metric)
            distribution.observe(1.5, *metric.labels)
            made.append(distribution)
        else:
            made.append(Sampled(metric, [(metric.labels, 2.0)]))
    return made


@needs_promtool
def test_promtool_has_nothing_to_remark() -> None:
    assert promtool("check", "metrics", given=render(series()).decode()) == ""


def test_buckets_are_cumulative() -> None:
    delays = Distribution(catalogue.DETECTION_DELAY)
    for seconds in (0.1, 2.0, 9_999.0):
        delays.observe(seconds, "default")
    families = text_string_to_metric_families(render([delays]).decode())
    (family,) = (each for each in families if each.name == catalogue.DETECTION_DELAY.name)
    by_name = {(each.name, each.labels.get("le")): each.value for each in family.samples}

    assert by_name[f"{family.name}_bucket", "0.25"] == 1
    assert by_name[f"{family.name}_bucket", "2.5"] == 2
    assert by_name[f"{family.name}_bucket", "+Inf"] == by_name[f"{family.name}_count", None] == 3
    assert by_name[f"{family.name}_sum", None] == 10_001.1


def test_hostile_values_of_labels_are_escaped() -> None:
    count = Count(catalogue.WATCHES_SETTLED)
    count.add('de"fault\n', "x\\")
    families = text_string_to_metric_families(render([count]).decode())
    (family,) = (each for each in families if each.name == catalogue.WATCHES_SETTLED.family)

    assert family.samples[0].labels == {"workspace": 'de"fault\n', "outcome": "x\\"}
