"""The rule that `up --sandbox` starts with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.checked_settings import load_checked
from bridge.cli.up import environment
from bridge.cli.up.data_dir import DataDir, open_data_dir
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.first_rule import write_first_rule
from bridge.cli.up.generated_secrets import load_or_generate
from bridge.domain.clients import SlackTeam
from bridge.sandbox.slack.state.identity import APP, TEAM
from bridge.sandbox.slack.state.people import ALICE
from tests.support.samples import only


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with open_data_dir(tmp_path / "data") as data:
        yield data


@pytest.fixture(autouse=True)
def _no_other_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_sandbox_has_one_rule_for_csv_uploads_and_its_own_slack_app(data: DataDir) -> None:
    generated = load_or_generate(data, sandbox=True)
    user = write_first_rule(data, UserSettings.read(data.path))

    settings = load_checked(environment.of_bridge(user, generated, "unix:///redis.sock", sandbox_port=8081))
    rule = only(list(settings.rules))
    assert (rule.types, rule.covers("default")) == (frozenset({"CSV"}), True)
    assert settings.workspaces["default"].webhook_secrets
    assert settings.slack_client
    assert (settings.slack_client.slack, bool(settings.slack_signing_secret)) == (SlackTeam(team=TEAM, app=APP), True)
    assert settings.records_users == {ALICE.id}
    assert "local" in {client.name for client in settings.clients}
    assert settings.bridge_config_file == str(data.path / "bridge.toml")


def test_a_file_that_is_there_is_kept(data: DataDir) -> None:
    (data.path / "bridge.toml").write_text("")
    user = UserSettings.read(data.path)

    assert write_first_rule(data, user) == user
    assert (data.path / "bridge.toml").read_text() == ""


def test_a_user_with_another_file_gets_none(data: DataDir) -> None:
    user = UserSettings({"BRIDGE_CONFIG_FILE": "/etc/bridge.toml"})

    assert write_first_rule(data, user) == user
    assert not (data.path / "bridge.toml").exists()
