"""The secrets of Rally's pushes: for each workspace, from a variable, a file or bridge.toml, newest first."""

from pathlib import Path

import pytest

from bridge.checked_settings import load_checked
from bridge.errors import SettingsError
from tests.settings.test_model import GOOD
from tests.support.samples import only

OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="
EU = '[workspaces.eu]\nkey = "k"\n'
DEFAULT = '[workspaces.default]\nkey = "k"\n'


def load(folder: Path, text: str = "", **variables: str) -> dict[str, list[str]]:
    """Return the secrets of each workspace."""
    (folder / "bridge.toml").write_text(text)
    environ = {**GOOD, "BRIDGE_CONFIG_FILE": str(folder / "bridge.toml"), **variables}
    workspaces = load_checked(environ, env_file=None).workspaces
    return {name: [secret.reveal() for secret in each.webhook_secrets] for name, each in workspaces.items()}


def test_without_a_secret_a_workspace_has_none(tmp_path: Path) -> None:
    assert load(tmp_path, EU, RALLY_WEBHOOK_SECRETS="") == {"default": [], "eu": []}


def test_the_variable_and_its_file_are_those_of_the_default_workspace(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text(f"{NEW}\n{OLD}\n")

    assert load(tmp_path, EU, RALLY_WEBHOOK_SECRETS=f"{NEW}, {OLD}") == {"default": [NEW, OLD], "eu": []}
    assert load(tmp_path, RALLY_WEBHOOK_SECRETS_FILE=str(tmp_path / "secrets")) == {"default": [NEW, OLD]}


@pytest.mark.parametrize(
    "line",
    [f'webhook_secrets = ["{NEW}", "{OLD}"]', 'webhook_secrets_file = "pushes"', 'webhook_secrets_env = "PUSHES"'],
)
def test_a_table_has_its_own_secrets_in_three_forms(tmp_path: Path, line: str) -> None:
    (tmp_path / "pushes").write_text(f"{NEW}\n{OLD}\n")

    assert load(tmp_path, EU + line, PUSHES=f"{NEW},{OLD}") == {"default": [], "eu": [NEW, OLD]}


def test_the_default_workspace_of_the_file_may_have_them_or_leave_them_to_the_variable(tmp_path: Path) -> None:
    in_file = f'{DEFAULT}webhook_secrets = ["{NEW}"]\n'

    assert load(tmp_path, in_file, RALLY_API_KEY="") == {"default": [NEW]}
    assert load(tmp_path, DEFAULT, RALLY_API_KEY="", RALLY_WEBHOOK_SECRETS=OLD) == {"default": [OLD]}
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, in_file, RALLY_API_KEY="", RALLY_WEBHOOK_SECRETS=OLD)
    assert only(list(caught.value.problems)) == (
        f"{tmp_path}/bridge.toml:3: workspaces.default.webhook_secrets: RALLY_WEBHOOK_SECRETS is set as well; set only "
        "one of the two"
    )


@pytest.mark.parametrize("text", ["", " \n", NEW + "x", NEW.removeprefix("whsec_"), "whsec_", "whsec_c2hvcnQ="])
def test_an_empty_or_malformed_list_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "pushes").write_text(text)

    for variables, toml in (
        ({"RALLY_WEBHOOK_SECRETS_FILE": str(tmp_path / "pushes")}, ""),
        ({}, f'{EU}webhook_secrets_file = "pushes"'),
        ({}, f'{EU}webhook_secrets = ["{text.strip()}"]'),
    ):
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, toml, **variables)
        assert NEW.removeprefix("whsec_") not in str(caught.value)


@pytest.mark.parametrize("toml", [EU, DEFAULT])
def test_a_sandbox_pushes_to_each_workspace_with_its_own_secret(tmp_path: Path, toml: str) -> None:
    sandbox = {"RALLY_SANDBOX": "http://127.0.0.1:8081", "RALLY_WEBHOOK_SECRETS": OLD}

    loaded = load(tmp_path, f'{toml}webhook_secrets = ["{NEW}"]', **sandbox)
    assert all(secrets == [OLD] for secrets in loaded.values())
