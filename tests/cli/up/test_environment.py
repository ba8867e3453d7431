"""What `rally-bridge up` passes to its programs."""

from pathlib import Path

import pytest

from bridge.cli.up.environment import UserSettings, has_clients, of_sandbox, sandboxed, with_worker_metrics
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE, FOR_THE_SANDBOX
from bridge.destinations.callback_signing import derived_secret
from tests.support.world import SERVICE_SECRET, settings


def test_the_sandbox_can_verify_the_callbacks_of_clients_and_rules(tmp_path: Path) -> None:
    rule = '[[rules]]\nname = "crm"\nnotify = [{type = "callback", url = "https://crm.example.com/"}]\n'
    generated = {name: generate() for name, generate in {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX}.items()}
    known = settings("redis://", "http://s.invalid", rule)
    passed = of_sandbox(UserSettings.read(tmp_path), generated, known, "http://127.0.0.1:8080")

    secrets = passed["SANDBOX_CALLBACK_SECRETS"].split(",")
    assert {derived_secret(SERVICE_SECRET, name) for name in ("crm", "billing", "rule:crm")} <= set(secrets)


SLACK = {"slack": {"team": "T0MINE", "app": "A0MINE"}}


def test_the_simulated_slack_is_that_of_the_users_client(tmp_path: Path) -> None:
    generated = {name: generate() for name, generate in {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX}.items()}
    known = settings("redis://", "http://s.invalid")
    user = UserSettings({"SLACK_SIGNING_SECRET": "the real one"}, {"clients": {"panel": SLACK}})

    passed = of_sandbox(user, generated, known, "http://127.0.0.1:8080")
    bridge = sandboxed(user, generated, "redis://", 8081)
    assert (passed["SANDBOX_SLACK_TEAM"], passed["SANDBOX_SLACK_APP"]) == ("T0MINE", "A0MINE")
    assert passed["SANDBOX_SLACK_SIGNING_SECRET"] == bridge["SLACK_SIGNING_SECRET"] != "the real one"

    without = UserSettings.read(tmp_path)
    assert "SANDBOX_SLACK_SIGNING_SECRET" not in of_sandbox(without, generated, known, "http://127.0.0.1:8080")
    assert sandboxed(without, generated, "redis://", 8081)["SLACK_SIGNING_SECRET"] == ""


@pytest.mark.parametrize(
    ("clients", "known"),
    [({}, False), ({"panel": SLACK}, False), ({"panel": SLACK, "crm": {"keys": []}}, True), ({"crm": "odd"}, True)],
)
def test_a_slack_workspace_has_no_key_so_one_is_generated_for_tools(clients: dict[str, object], *, known: bool) -> None:
    assert has_clients(UserSettings({}, {"clients": clients})) is known


def test_the_worker_gets_a_port_for_its_metrics_unless_the_user_chose_one() -> None:
    chosen = UserSettings({"WORKER_METRICS_PORT": "0"})

    assert with_worker_metrics({}, UserSettings({}), 8082) == {"WORKER_METRICS_PORT": "8082"}
    assert with_worker_metrics({}, UserSettings({}), 65_536) == {}
    assert with_worker_metrics({"WORKER_METRICS_PORT": "0"}, chosen, 8082) == {"WORKER_METRICS_PORT": "0"}
