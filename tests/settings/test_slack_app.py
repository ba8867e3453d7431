"""The settings of the Slack app: a signing secret, a bot, and the one client that is a Slack workspace."""

from pathlib import Path

import pytest

from bridge.checked_settings import load_checked
from bridge.errors import SettingsError
from bridge.settings import Settings
from tests.settings.test_model import GOOD

NEW, OLD = "8f742231b10e8888abcd99yyyzzz85a5", "0123456789abcdef0123456789abcdef"
TEAM = '[clients.slack]\nslack = {team = "T0123ABCD", app = "A0123ABCD"}\n'
APP = {"SLACK_SIGNING_SECRET": NEW, "SLACK_BOT_TOKEN": "xoxb-1"}


def load(folder: Path, text: str, **variables: str) -> Settings:
    (folder / "bridge.toml").write_text(text)
    return load_checked({**GOOD, "BRIDGE_CONFIG_FILE": str(folder / "bridge.toml"), **variables}, env_file=None)


def problems(folder: Path, text: str, **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **variables)
    return [each.removeprefix(f"{folder}/") for each in caught.value.problems]


def test_a_slack_workspace_is_a_client_without_a_key(tmp_path: Path) -> None:
    settings = load(tmp_path, f'{TEAM}slack_channels = ["C0123ABCD"]', **APP)

    client = settings.slack_client
    assert client is not None
    assert client.slack is not None
    assert (client.slack.team, client.slack.app, client.digests) == ("T0123ABCD", "A0123ABCD", ())
    assert client.permissions.slack_channels == frozenset({"C0123ABCD"})


def test_several_secrets_serve_a_rotation_and_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{NEW}\n{OLD}\n")

    for variables in (
        {"SLACK_SIGNING_SECRET": f"{NEW},{OLD}"},
        {"SLACK_SIGNING_SECRET_FILE": str(tmp_path / "secret")},
    ):
        settings = load(tmp_path, TEAM, SLACK_BOT_TOKEN="xoxb-1", **variables)
        assert [each.reveal() for each in settings.slack_signing_secret] == [NEW, OLD]


def test_users_who_may_read_failed_records_are_in_the_file_or_a_variable(tmp_path: Path) -> None:
    in_file = f"{TEAM}[slack]\nrecords_users = ['U0123ABCD', 'W0123ABCD']"
    assert load(tmp_path, in_file, **APP).records_users == {"U0123ABCD", "W0123ABCD"}
    assert load(tmp_path, TEAM, **APP, SLACK_RECORDS_USERS="U0123ABCD, W0123ABCD").records_users == {
        "U0123ABCD",
        "W0123ABCD",
    }
    for text in (TEAM, f"{TEAM}[slack]", f"{TEAM}[slack]\nrecords_users = []"):
        assert load(tmp_path, text, **APP).records_users == frozenset()


@pytest.mark.parametrize(
    ("text", "changes", "problem"),
    [
        (TEAM, {"SLACK_SIGNING_SECRET": ""}, "bridge.toml:2: clients.slack.slack: needs the secret of the app"),
        (TEAM, {"SLACK_BOT_TOKEN": ""}, "bridge.toml:2: clients.slack.slack: needs a Slack bot"),
        ("", {}, "SLACK_SIGNING_SECRET: needs the client whose requests it signs"),
        (TEAM, {"SLACK_SIGNING_SECRET": " , "}, "SLACK_SIGNING_SECRET: must hold at least one"),
        (TEAM, {"SLACK_SIGNING_SECRET": f"{NEW},short"}, "SLACK_SIGNING_SECRET: secret 2 is too short"),
        (
            f"{TEAM}[clients.more]\nslack = {{team = 'T1AA', app = 'A1AA'}}",
            {},
            "bridge.toml:4: clients.more.slack: only one client can be a Slack workspace, and 'slack' is",
        ),
        (
            f"{TEAM}workspaces = ['eu', 'uk']\n[workspaces.eu]\nkey='k'\n[workspaces.uk]\nkey='l'",
            {},
            "bridge.toml:3: clients.slack.workspaces: must contain 'default' or one workspace",
        ),
        (f"{TEAM}workspaces = []", {}, "bridge.toml:3: clients.slack.workspaces: must contain 'default' or one"),
        ("[clients.crm]\nadmin = true", {"SLACK_SIGNING_SECRET": ""}, "bridge.toml:1: clients.crm: keys is required"),
        (TEAM.replace("T0123", "t0123"), {"SLACK_SIGNING_SECRET": ""}, "bridge.toml:2: clients.slack.slack.team: must"),
        (
            TEAM.replace("T0123", "t0123"),
            {"SLACK_RECORDS_USERS": "U0123ABCD"},
            "bridge.toml:2: clients.slack.slack.team: must",
        ),
        (TEAM, {"SLACK_BOT_TOKEN": "xoxp-1"}, "SLACK_BOT_TOKEN: must be the token of a bot"),
        (
            f"{TEAM}[slack]\nrecords_users = ['U0123ABCD']",
            {"SLACK_RECORDS_USERS": "U0456EFGH"},
            "bridge.toml:4: slack.records_users: SLACK_RECORDS_USERS is set as well; set only one of the two",
        ),
        (
            f"{TEAM}[slack]\nrecords_users = ['U0123ABCD', '@alice']",
            {},
            "bridge.toml:4: slack.records_users: entry 2 must be the id of a Slack user",
        ),
        (f"{TEAM}[slack]\nrecord_users = []", {}, "bridge.toml:4: slack.record_users: is not known; did you mean"),
        (f"slack = 1\n{TEAM}", {}, "bridge.toml:1: slack: must be a table: [slack]"),
        (
            TEAM,
            {"SLACK_RECORDS_USERS": "U0456EFGH, alice"},
            "SLACK_RECORDS_USERS: entry 2 is not the id of a Slack user",
        ),
        (
            "[slack]\nrecords_users = ['U0123ABCD']",
            {"SLACK_SIGNING_SECRET": ""},
            "bridge.toml:2: slack.records_users: needs",
        ),
        (
            "",
            {"SLACK_SIGNING_SECRET": "", "SLACK_RECORDS_USERS": "U0456EFGH"},
            "SLACK_RECORDS_USERS: needs the Slack app",
        ),
        (TEAM.replace("A0123", "B0123"), {"SLACK_SIGNING_SECRET": ""}, "bridge.toml:2: clients.slack.slack.app: must"),
    ],
)
def test_what_is_missing_or_contradicts_is_named(
    tmp_path: Path, text: str, changes: dict[str, str], problem: str
) -> None:
    found = problems(tmp_path, text, **(APP | changes))

    assert any(each.startswith(problem) for each in found), found
    assert NEW not in str(found)
