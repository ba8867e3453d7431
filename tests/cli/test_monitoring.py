"""`rally-bridge alerts` and `dashboard`: what they print is what Prometheus and Grafana read."""

import json
from pathlib import Path

import yaml

from bridge.metrics.alerts import ALERTS, rules
from tests.support.command_line import run_here


def test_the_alerts_link_to_the_runbook_of_the_given_bridge(tmp_path: Path) -> None:
    ended = run_here("alerts", "--url", "https://bridge.example.com/", env={}, cwd=tmp_path)
    printed = yaml.safe_load(ended.stdout)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert printed == rules("https://bridge.example.com/docs/runbook")
    assert len(printed["groups"][0]["rules"]) == len(ALERTS)


def test_the_panels_of_the_dashboard_do_not_overlap(tmp_path: Path) -> None:
    ended = run_here("dashboard", env={}, cwd=tmp_path)
    panels = json.loads(ended.stdout)["panels"]

    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places) > 10
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(target["expr"] for panel in panels for target in panel["targets"])
