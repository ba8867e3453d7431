"""`alerts` and `dashboard`: what Prometheus and Grafana need to know of the metrics."""

import json
import sys

import click
import yaml

from bridge.metrics.alerts import rules
from bridge.metrics.dashboard import dashboard

WIDE = 10_000
"""Longer than any expression, which is then on one line."""


@click.command("alerts")
@click.option(
    "--url",
    default="http://127.0.0.1:8080",
    show_default=True,
    envvar="RALLY_BRIDGE_URL",
    help="The URL of the API, whose pages have the runbook that alerts link to.",
)
def alerts(url: str) -> None:
    """Print alerting rules for Prometheus.

    Save them to a file, and name it in `rule_files` of prometheus.yml.
    """
    yaml.safe_dump(rules(f"{url.rstrip('/')}/docs/runbook"), sys.stdout, sort_keys=False, width=WIDE)


@click.command("dashboard")
def dashboard_json() -> None:
    """Print a dashboard for Grafana.

    Save it to a file, and import it: Dashboards, New, Import.
    """
    click.echo(json.dumps(dashboard(), indent=2))
