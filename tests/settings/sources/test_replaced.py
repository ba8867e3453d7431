"""Variables that the configuration file replaced are refused with the lines to write instead."""

import tomllib

import pytest

from bridge.checked_settings import load_checked
from bridge.errors import SettingsError
from bridge.settings import load_settings
from tests.settings.test_model import GOOD
from tests.support.samples import only
from tests.support.world import settings as settings_of


def lines_for(**variables: str) -> str:
    with pytest.raises(SettingsError) as told:
        load_settings({**GOOD, **variables}, env_file=None)
    return str(only(list(told.value.problems)))


@pytest.mark.parametrize(
    ("name", "value", "tables"),
    [
        ("RALLY_WORKSPACES", "eu:HUNTER2@https://eu.example.com,uk:HUNTER2", {"workspaces": {"eu", "uk"}}),
        ("RALLY_WORKSPACES", "HUNTER2HUNTER2HUNTER2", {"workspaces": {"NAME"}}),
        ("RALLY_WORKSPACES", "hunter2hunter2hunter2:eu", {"workspaces": {"NAME"}}),
        ("RALLY_WORKSPACES", "eu:HUNTER2\nuk:HUNTER2@https://x", {"workspaces": {"eu"}}),
        (
            "NAMED_DESTINATIONS",
            "ops=https://hooks.slack.com/HUNTER2,crm=https://x/HUNTER2",
            {"destinations": {"ops", "crm"}},
        ),
        ("BRIDGE_CLIENTS_FILE", "/etc/clients.toml", {"clients": {"NAME"}}),
    ],
)
def test_an_old_variable_is_refused_with_tables_that_hold_no_secret(
    name: str, value: str, tables: dict[str, set[str]]
) -> None:
    told = lines_for(**{name: value})
    first, _, instead = told.partition("\n")

    assert first.startswith(f"{name}: is no longer a setting. Write into the file that BRIDGE_CONFIG_FILE names")
    assert "hunter2" not in told.lower()
    assert {section: set(names) for section, names in tomllib.loads(instead).items()} == tables


def test_the_kind_of_a_destination_is_kept() -> None:
    told = lines_for(
        NAMED_DESTINATIONS="a=https://hooks.slack.com/x,b=https://x,c=slack:https://x,d=callback:https://x"
    )

    kinds = [table["type"] for table in tomllib.loads(told.partition("\n")[2])["destinations"].values()]
    assert kinds == ["slack_webhook", "callback", "slack_webhook", "callback"]


def test_a_file_twin_is_refused_as_well() -> None:
    assert lines_for(RALLY_WORKSPACES_FILE="/run/secrets/hunter2").startswith("RALLY_WORKSPACES_FILE: is no longer")


def test_options_of_a_key_are_refused_with_a_table_that_works() -> None:
    key = "rbk_hunter2-hunter2"
    with pytest.raises(SettingsError) as told:
        load_checked({**GOOD, "BRIDGE_API_KEYS": f"ops:{key}:workspaces=default"}, env_file=None)
    problem = only(list(told.value.problems))

    assert key not in problem
    known = settings_of("redis://", "http://s.invalid", problem.partition("\n")[2], BRIDGE_API_KEYS="")
    assert only(list(known.clients)).permissions.workspaces == {"default"}
