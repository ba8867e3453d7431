"""The settings: every problem at once, in plain words, without a secret; and an example that names them all."""

import re
from pathlib import Path

import pytest

from bridge.checked_settings import load_checked
from bridge.destinations.configuration import diverted_workspaces
from bridge.domain.times import HOUR, SECOND
from bridge.errors import SettingsError
from bridge.resources import open_resources
from bridge.settings import Settings, load_settings
from bridge.settings.model import Variables
from tests.support.samples import only
from tests.support.world import FERNET

EXAMPLE = Path(__file__).parents[2] / ".env.example"
REQUIRED = {"REDIS_URL", "RALLY_API_KEY", "BRIDGE_API_KEYS", "BRIDGE_ENCRYPTION_KEYS", "CALLBACK_SECRETS"}
GOOD = {
    "REDIS_URL": "redis://:hunter2@localhost:6379/0",
    "RALLY_API_KEY": "rally-hunter2",
    "BRIDGE_API_KEYS": "crm:hunter2-hunter2-1,ops:hunter2-hunter2-2:admin",
    "BRIDGE_ENCRYPTION_KEYS": FERNET,
    "CALLBACK_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def load(**changes: str) -> Settings:
    return load_settings({**GOOD, **changes}, env_file=None)


def problems(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as told:
        load(**changes)
    return told.value.problems


def test_what_is_required_is_enough() -> None:
    settings = load()

    assert settings.poll_floor == 3 * SECOND
    assert settings.delivery_schedule[-1] == 24 * HOUR
    assert [(client.name, client.admin) for client in settings.clients] == [("crm", False), ("ops", True)]
    assert [(each.name, each.budget_share) for each in settings.workspaces.values()] == [("default", 0.8)]


def test_the_template_of_links_is_that_of_the_default_workspace() -> None:
    settings = load(RALLY_IMPORT_URL=" https://app.example.com/imports/{importId}?tab=log ")

    assert settings.workspaces["default"].import_url == "https://app.example.com/imports/{importId}?tab=log"
    assert load().workspaces["default"].import_url is None


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("https://app.example.com/imports", "must contain {importId} once"),
        ("https://app.example.com/{importId}/{importId}", "must contain {importId} once"),
        ("https://{importId}.example.com/", "must be an http or https URL with {importId} after the host"),
        ("javascript:alert('{importId}')", "must be an http or https URL with {importId} after the host"),
        ("/imports/{importId}", "must be an http or https URL with {importId} after the host"),
        ("https://jane:hunter2@app.example.com/{importId}", "must have no user and password"),
        ("https://app.example.com/{importId}|Click", "must consist of characters of URLs"),
        ("https://app.example.com/{workspace}/{importId}", "must consist of characters of URLs"),
        ("https://app.example.com/<{importId}", "must consist of characters of URLs"),
        ("https://app.example.com/é/{importId}", "must consist of characters of URLs"),
        ("https://app.example.com/{importId}" + "x" * 1_000, "must have at most 1000 characters"),
    ],
)
def test_a_template_that_makes_no_link_is_refused(template: str, sentence: str) -> None:
    (problem,) = problems(RALLY_IMPORT_URL=template)

    assert problem.startswith(f"RALLY_IMPORT_URL: {sentence}")
    assert "hunter2" not in problem


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as told:
        load_settings({}, env_file=None)

    assert {problem.partition(" ")[0] for problem in told.value.problems} == REQUIRED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://localhost"),
        ("RALLY_BASE_URL", "api.rallyuxr.com"),
        ("RALLY_BASE_URL", "https://user:hunter2@api.rallyuxr.com"),
        ("RALLY_BUDGET_SHARE", "0"),
        ("RALLY_BUDGET_SHARE", "1.5"),
        ("RALLY_BUDGET_SHARE", "nan"),
        ("POLL_FLOOR", "5"),
        ("POLL_FLOOR", "0s"),
        ("POLL_FLOOR", "2m"),
        ("POLL_GROWTH", "inf"),
        ("WATCH_EXPIRY", "31d"),
        ("BRIDGE_API_KEYS", "crm"),
        ("REDIS_URL", "redis+sentinel://:hunter2@localhost"),
        ("REDIS_SENTINEL_PASSWORD", "hunter2 hunter2"),
        ("BRIDGE_API_KEYS", "CRM:hunter2-hunter2-1"),
        ("BRIDGE_API_KEYS", "crm:hunter2"),
        ("BRIDGE_API_KEYS", "crm:hunter2-hunter2-1:root"),
        ("BRIDGE_API_KEYS", "crm:hunter2-hunter2-1,ops:hunter2-hunter2-1"),
        ("BRIDGE_API_KEYS", "crm:hunter2-hunter2-1:workspaces=eu"),
        ("OPERATOR_NOTIFY", "ops"),
        ("SLACK_BOT_TOKEN", "xoxb-hunter2\x07"),
        ("BRIDGE_ENCRYPTION_KEYS", "hunter2"),
        ("BRIDGE_ENCRYPTION_KEYS", ","),
        ("CALLBACK_SECRETS", "hunter2"),
        ("CALLBACK_SECRETS", "whsec_hunter2"),
        ("CALLBACK_SECRETS", "whsec_aHVudGVyMg=="),
        ("RALLY_WEBHOOK_SECRETS", ","),
        ("RALLY_WEBHOOK_SECRETS", "hunter2"),
        ("RALLY_WEBHOOK_SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_aHVudGVyMg=="),
        ("DELIVERY_SCHEDULE", "2s,soon"),
        ("DELIVERY_SCHEDULE", ","),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_an_invalid_value_is_reported_by_name_without_its_secret(name: str, value: str) -> None:
    problem = only(list(problems(**{name: value})))

    assert name in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("database", ["", "/", "/0", "/15", "/0/"])
def test_a_redis_url_names_its_database_or_none(database: str) -> None:
    url = f"redis://:hunter2@localhost:6379{database}"
    assert load(REDIS_URL=url).redis_url.reveal() == url


def test_what_is_malformed_and_what_cannot_be_used_are_named_at_once() -> None:
    wrong = {"POLL_FLOOR": "5", "EGRESS_ALLOW": "/", "EGRESS_PROXY": "http://\u0663", "RALLY_PROXY": "http://\u0663"}
    with pytest.raises(SettingsError) as told:
        load_checked({**GOOD, **wrong, "CALLBACK_SECRETS": "", "BRIDGE_CONFIG_FILE": "/nowhere"}, env_file=None)

    named = [problem.partition(":")[0].partition(" ")[0] for problem in told.value.problems]
    assert sorted(named) == sorted([*wrong, "BRIDGE_CONFIG_FILE", "CALLBACK_SECRETS"])


@pytest.mark.anyio
async def test_all_that_shows_only_when_the_parts_are_built_is_named_at_once() -> None:
    settings = load(
        REDIS_URL="rediss://localhost?ssl_cert_reqs=hunter2",
        RALLY_BASE_URL="https://٣",
        CALLBACK_ED25519_KEYS="hunter2",
        EGRESS_ALLOW="/",
        EGRESS_CA_FILE="/nowhere",
        EGRESS_SANDBOX="http://localhost/path",
    )
    with pytest.raises(SettingsError) as told:
        async with open_resources(settings):
            pass

    named = [problem.partition(":")[0] for problem in told.value.problems]
    assert sorted(named) == [
        "CALLBACK_ED25519_KEYS",
        "EGRESS_ALLOW",
        "EGRESS_CA_FILE",
        "EGRESS_SANDBOX",
        "RALLY_BASE_URL",
        "REDIS_URL",
    ]
    assert "hunter2" not in str(told.value)


def test_the_heartbeats_url_is_subject_to_the_rules_for_destinations() -> None:
    with pytest.raises(SettingsError) as told:
        load_checked(GOOD | {"OPERATOR_HEARTBEAT_URL": "https://10.0.0.1/hunter2"}, None)

    assert only(list(told.value.problems)).startswith("OPERATOR_HEARTBEAT_URL: ")
    assert "hunter2" not in str(told.value)
    allowed = {"OPERATOR_HEARTBEAT_URL": "https://10.0.0.1/hunter2", "EGRESS_ALLOW": "10.0.0.1"}
    assert load_checked(GOOD | allowed, None).operator_heartbeat_url is not None


def test_contradictions_are_reported_at_once() -> None:
    two_ways = {"EGRESS_SANDBOX": "http://127.0.0.1:8081", "EGRESS_PROXY": "http://127.0.0.1:3128"}
    told = problems(POLL_FLOOR="2m", WATCH_EXPIRY="31d", OPERATOR_NOTIFY="ops", **two_ways)

    named = [problem.partition(":")[0] for problem in told]
    assert named == ["POLL_FLOOR", "WATCH_EXPIRY", "EGRESS_SANDBOX", "OPERATOR_NOTIFY"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SLACK_SHOW_EMAILS", "maybe", "must be true or false"),
        ("CLIENT_RATE_LIMIT", "many", "must be a whole number"),
        ("CLIENT_RATE_LIMIT", "0", "must be at least 1"),
        ("RALLY_BUDGET_SHARE", "most", "must be a number"),
        ("RALLY_BUDGET_SHARE", "0", "must be more than 0"),
        ("RALLY_BUDGET_SHARE", "2", "must be at most 1"),
        ("POLL_GROWTH", "inf", "must be a finite number"),
        ("DELIVERY_SCHEDULE", ",", "must hold at least one"),
        ("LOG_LEVEL", "LOUD", "must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_problems_of_values_are_sentences(name: str, value: str, problem: str) -> None:
    assert problems(**{name: value}) == (f"{name}: {problem}",)


def test_an_empty_variable_is_not_set() -> None:
    assert load(POLL_FLOOR="").poll_floor == 3 * SECOND
    assert "RALLY_API_KEY" in only(list(problems(RALLY_API_KEY="")))


def test_a_secret_may_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  from-a-file\n")

    settings = load(RALLY_API_KEY="", RALLY_API_KEY_FILE=str(tmp_path / "key"))
    assert settings.workspaces["default"].key.reveal() == "from-a-file"
    assert "RALLY_API_KEY_FILE" in only(list(problems(RALLY_API_KEY_FILE=str(tmp_path / "key"))))
    told = only(list(problems(RALLY_API_KEY="", RALLY_API_KEY_FILE=str(tmp_path / "none"))))
    assert "can't be read" in told


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("POLL_FLOOR=7s\nPOLL_LEASE=20s\nRALLY_BASE_URL=http://there\n")

    settings = load_settings({**GOOD, "POLL_FLOOR": "9s", "RALLY_BASE_URL": ""}, env_file=str(env))

    assert (settings.poll_floor, settings.poll_lease) == (9 * SECOND, 20 * SECOND)
    assert settings.rally_base_url == "https://api.rallyuxr.com/api/public/v1", "an empty variable hides the file's"


def test_settings_do_not_print_secrets() -> None:
    assert "hunter2" not in repr(load())
    assert GOOD["BRIDGE_ENCRYPTION_KEYS"] not in repr(load())


def example() -> list[tuple[str, str, bool]]:
    """The example's variables in order: name, value, and whether the line is commented out."""
    found = re.findall(r"^(# )?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return [(name, value, bool(comment)) for comment, name, value in found]


def test_the_example_names_every_setting_in_order_with_its_default() -> None:
    assert [name.lower() for name, _, _ in example()] == list(Variables.model_fields)
    for name, value, commented in example():
        field = Variables.model_fields[name.lower()]
        assert commented != (field.is_required() or name in REQUIRED - {"BRIDGE_API_KEYS"}), name
        if commented and value:
            assert getattr(load(**{name: value}), name.lower()) == field.default, name


def test_each_setting_of_the_example_has_a_line_of_meaning() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"(# )?[A-Z][A-Z0-9_]+=", line):
            assert lines[number - 1].startswith("# "), line
            assert not re.match(r"# [A-Z][A-Z0-9_]+=", lines[number - 1]), line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://:HUNTER2@℀.example"),
        ("REDIS_URL", "redis://:HUNTER2/x@localhost:6379"),
        ("REDIS_URL", "redis://:6HUNTER2@localhost:99999"),
        ("REDIS_URL", "redis://:6?HUNTER2=x@localhost"),
        ("REDIS_URL", "redis://:p@HUNTER2/word@localhost:6379/0"),
        ("REDIS_URL", "redis://:p@HUNTER2?word@localhost:6379/0"),
        ("REDIS_URL", "redis://:p@HUNTER2#word@localhost:6379/0"),
        ("REDIS_URL", "redis://:p@localhost:6379/HUNTER2"),
        ("REDIS_URL", "rediss://localhost?ssl_cert_reqs=HUNTER2"),
        ("RALLY_BASE_URL", "https://crm:HUNTER2@℀.example"),
        ("RALLY_BASE_URL", "https://٣"),
        ("RALLY_API_KEY", "HUNTER2 HUNTER2"),
        ("RALLY_API_KEY", "HUNTER2-é"),
    ],
)
def test_unusable_values_are_refused_by_name_without_their_secret(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build_from(name, value)

    assert name in str(caught.value)
    assert "HUNTER2" not in str(caught.value)


def build_from(name: str, value: str) -> None:
    """Load the settings, and build from them what every process builds at its start."""
    load_checked({**GOOD, name: value}, env_file=None)


@pytest.mark.parametrize("sandbox", ["http://127.0.0.1:8081", "http://127.0.0.1:8081/"])
def test_messages_about_imports_of_the_real_rally_that_go_to_a_sandbox_are_noticed(sandbox: str) -> None:
    assert diverted_workspaces(load()) == []
    assert diverted_workspaces(load(EGRESS_SANDBOX=sandbox)) == ["default"]
    assert diverted_workspaces(load(EGRESS_SANDBOX=sandbox, RALLY_SANDBOX="http://127.0.0.1:8081")) == []
