"""`rally-bridge config`: check, show, schema, and a first configuration that works."""

import json
import re
import stat
import sys
import tomllib
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest
from jsonschema import Draft202012Validator

from bridge.checked_settings import load_checked
from bridge.cli.config.first_files import CONFIG
from bridge.cli.up.data_dir import open_data_dir
from bridge.cli.up.generated_secrets import load_or_generate
from bridge.domain.clients import digest
from tests.settings.test_model import GOOD
from tests.support.command_line import run_at_terminal, run_here
from tests.support.samples import only

GUIDE = Path(__file__).parents[3] / "bridge" / "docs" / "configuration.md"
ENV = {"PATH": "/usr/bin"}
UP = "if `up` started it, use --data-dir."
FILE = """\
[workspaces.eu]
key_env = "EU_KEY"
budget_share = 0.5

[destinations.ops]
type = "callback"
url = "https://ops.example.com/hunter2"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
headers = {X-Token = "hunter2"}
"""


def config(*arguments: str, cwd: Path, **env: str) -> "CompletedProcess[str]":
    return run_here("config", *arguments, env=ENV | env, cwd=cwd)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "bridge.toml").write_text(FILE)
    return tmp_path / "bridge.toml"


def test_valid_settings_are_counted(tmp_path: Path, file: Path) -> None:
    ran = config("check", str(file), cwd=tmp_path, EU_KEY="k", **GOOD)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("are valid: 2 workspaces, 1 named destination, 2 clients.\n")


def test_the_configuration_file_that_was_checked_is_named(tmp_path: Path, file: Path) -> None:
    named = config("check", cwd=tmp_path, EU_KEY="k", BRIDGE_CONFIG_FILE=str(file), **GOOD)
    unnamed = config("check", cwd=tmp_path, **GOOD)

    assert named.stdout.startswith(f"The settings of the environment and .env, with {file}, are valid: 2 workspaces")
    assert unnamed.stdout.startswith("The settings of the environment and .env are valid: 1 workspace,")
    assert unnamed.stderr == "Warning: bridge.toml is not read: set BRIDGE_CONFIG_FILE=./bridge.toml\n"


def test_the_hint_at_data_directories_is_left_out_where_env_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    ran = config("check", cwd=tmp_path)

    assert (ran.returncode, ran.stderr) == (2, ".env: is not UTF-8 (byte 1); save it as UTF-8\n")


def test_every_problem_is_a_line_with_its_place(tmp_path: Path, file: Path) -> None:
    (tmp_path / ".env").write_text("\nPOLL_FLOOR=5\n")
    ran = config("check", "bridge.toml", cwd=tmp_path, RALLY_TOKEN="x", POLL_CIELING="1s", **GOOD)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in ran.stderr.splitlines()] == [
        "Warning",
        "POLL_CIELING",
        ".env:2",
        "bridge.toml:2",
    ]
    assert file.read_text() == FILE


def test_a_bridge_without_redis_is_told_about_data_directories(tmp_path: Path) -> None:
    ran = config("check", cwd=tmp_path, **(GOOD | {"REDIS_URL": ""}))

    assert ran.returncode == 2
    assert "REDIS_URL (or REDIS_URL_FILE) is required, but it is empty\n" in ran.stderr
    assert ran.stderr.endswith(f"{tmp_path} has no .env: if the bridge has one, run this in its folder; {UP}\n")

    (tmp_path / ".env").touch()
    assert config("check", cwd=tmp_path, **(GOOD | {"REDIS_URL": ""})).stderr.endswith("name it with --data-dir.\n")


def test_what_only_the_shell_of_up_had_is_asked_for_with_the_reason(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "data") as data:
        load_or_generate(data, sandbox=False)
    ran = config("check", "--data-dir", "data", cwd=tmp_path)

    key, hint = ran.stderr.splitlines()
    assert key.startswith("RALLY_API_KEY ")
    assert (
        hint == "If `up` was started with variables that this shell lacks, set them here too, or write them into .env."
    )


def shown(tmp_path: Path, **env: str) -> dict[str, tuple[str, str]]:
    ran = config("show", cwd=tmp_path, **(GOOD | env))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "hunter2" not in ran.stdout
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    return {key: (value, source) for key, value, source in rows}


def test_the_settings_in_effect_are_shown_with_their_sources_and_without_secrets(tmp_path: Path, file: Path) -> None:
    (tmp_path / ".env").write_text(f"BRIDGE_CONFIG_FILE={file.name}\nPOLL_CEILING=90s\nPOLL_FLOOR=1s\n")
    rows = shown(tmp_path, POLL_FLOOR="5s", EU_KEY="hunter2", RALLY_BASE_URL="https://rally.example.com")

    assert rows["POLL_FLOOR"] == ("5s", "environment")
    assert rows["POLL_CEILING"] == ("1m30s", ".env:2")
    assert rows["WATCH_EXPIRY"] == ("1d", "default")
    assert rows["DELIVERY_SCHEDULE"] == ("2s, 5s, 15s, 1m, 5m, 30m, 2h, 5h, 10h, 1d", "default")
    assert rows["REDIS_URL"] == ("•••", "environment")
    assert rows["BRIDGE_API_KEYS"] == ("crm, ops (admin)", "environment")
    assert rows["workspaces.default.budget_share"] == ("0.8", "default")
    assert rows["workspaces.eu.key"] == ("•••", "bridge.toml:2")
    assert rows["workspaces.eu.base_url"] == ("https://rally.example.com", "environment")
    assert rows["workspaces.eu.budget_share"] == ("0.5", "bridge.toml:3")
    assert rows["destinations.ops.url"] == ("https://ops.example.com/…", "bridge.toml:7")
    assert rows["destinations.ops.secret"] == ("•••", "bridge.toml:8")
    assert rows["destinations.ops.headers.X-Token"] == ("•••", "bridge.toml:9")


def test_the_users_who_may_read_failed_records_are_shown_with_their_source(tmp_path: Path, file: Path) -> None:
    app = {"SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef", "SLACK_BOT_TOKEN": "xoxb-1"}
    team = '[clients.slack]\nslack = {team = "T0123ABCD", app = "A0123ABCD"}\n'
    file.write_text(f'{team}[slack]\nrecords_users = ["U0123ABCD"]\n')
    rows = shown(tmp_path, BRIDGE_CONFIG_FILE=file.name, **app)
    assert rows["slack.records_users"] == ("U0123ABCD", "bridge.toml:4")


def test_the_secrets_of_pushes_are_masked_with_their_source(tmp_path: Path, file: Path) -> None:
    secret = "whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMg=="
    file.write_text(f'[workspaces.eu]\nkey = "k"\nwebhook_secrets = ["{secret}", "{secret}"]\n')
    rows = shown(tmp_path, BRIDGE_CONFIG_FILE=str(file), RALLY_WEBHOOK_SECRETS=secret)

    assert rows["RALLY_WEBHOOK_SECRETS"] == ("•••", "environment")
    assert rows["workspaces.default.webhook_secrets"] == ("•••", "environment")
    assert rows["workspaces.eu.webhook_secrets"] == ("•••, •••", f"{file}:3")


def test_rules_are_shown_without_their_secrets(tmp_path: Path, file: Path) -> None:
    file.write_text(
        '[[rules]]\nname = "ops"\nmode = "digest"\ndigest = {at = "09:05", zone = "UTC"}\nmention = {users = ["U01"]}\n'
        'notify = [{type = "callback", url = "https://x.example/hunter2"}]\nonly_if = {failed_share = 0.01}\n'
    )
    rows = shown(tmp_path, BRIDGE_CONFIG_FILE=str(file))

    assert {key.removeprefix("rules.ops."): row for key, row in rows.items() if key.startswith("rules.")} == {
        "workspaces": ("all", "default"),
        "types": ("all", "default"),
        "outcomes": ("problems", "default"),
        "notify": ("callback https://x.example/…", f"{file}:6"),
        "mode": ("digest", f"{file}:3"),
        "max_age": ("1d", "default"),
        "nudge_after": ("30m", "default"),
        "digest": ("at 09:05 UTC", f"{file}:4"),
        "only_if": ("failed_share 0.01", f"{file}:7"),
        "mention": ("U01 on problems", f"{file}:5"),
    }


def test_what_up_sets_is_shown_as_such(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "rally-bridge-data" / "sandbox") as data:
        load_or_generate(data, sandbox=True)
        (data.path / "bridge.toml").write_text('[workspaces.eu]\nkey = "real"\nbudget_share = 0.5\n')
    ran = config("show", "--json", cwd=tmp_path, POLL_FLOOR="5s")
    sources = {row["key"]: row["source"] for row in json.loads(ran.stdout)}

    assert {key for key, source in sources.items() if source == "rally-bridge up"} >= {
        *("REDIS_URL", "RALLY_API_KEY", "BRIDGE_API_KEYS", "BRIDGE_ENCRYPTION_KEYS", "EGRESS_SANDBOX"),
        *("workspaces.eu.key", "workspaces.eu.base_url"),
    }
    assert sources["POLL_FLOOR"] == "environment"
    assert sources["workspaces.eu.budget_share"].endswith("bridge.toml:3")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_cuts_neither_a_name_nor_a_value(tmp_path: Path, columns: int) -> None:
    url = f"https://{'rally.' * 12}example.com"
    env = {**GOOD, "RALLY_BASE_URL": url, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    styled = run_at_terminal("config", "show", env=env, cwd=tmp_path).stdout
    printed = re.sub(r"\x1b\[[0-9;]*m", "", styled)
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= columns


def test_the_settings_are_shown_to_programs_as_json(tmp_path: Path) -> None:
    rows = json.loads(config("show", "--json", cwd=tmp_path, **GOOD).stdout)

    assert {tuple(row) for row in rows} == {("key", "value", "source")}
    assert only([row for row in rows if row["key"] == "LOG_LEVEL"]) == {
        "key": "LOG_LEVEL",
        "value": "INFO",
        "source": "default",
    }


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Draft202012Validator:
    document = json.loads(config("schema", cwd=tmp_path_factory.mktemp("schema")).stdout)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def example() -> str:
    (found,) = re.findall(r"```toml\n(\[workspaces.eu\].*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found).replace("sha256:…", f"sha256:{'a' * 64}")


def test_the_example_of_the_guide_is_valid(tmp_path: Path, schema: Draft202012Validator) -> None:
    (tmp_path / "bridge.toml").write_text(example())
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "research-ops-url").write_text("https://hooks.slack.com/services/T/B/X\n")
    secrets = {
        "RALLY_API_KEY_EU": "k",
        "RALLY_PUSH_EU": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CRM_CALLBACK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CRM_AUTHORIZATION": "Bearer x",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    }
    env = GOOD | secrets | {"BRIDGE_API_KEYS": "ops:key-of-the-operator:admin"}

    schema.validate(tomllib.loads(example()))
    assert config("check", "bridge.toml", cwd=tmp_path, **env).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        "[rules.x]",
        "[workspaces.eu]",
        '[workspaces.EU]\nkey = "k"',
        '[workspaces.eu]\nkey = "k"\nkey_env = "K"',
        '[workspaces.eu]\nkey = "k"\nbudget_share = 2',
        '[destinations.x]\ntype = "mail"',
        '[destinations.x]\ntype = "callback"\nurl = "u"\nsecret = "a"\nsecret_file = "b"',
        '[clients.x]\nkeys = ["hunter2"]',
        '[slack]\nrecords_users = ["alice"]',
        "[slack]\nusers = []",
    ],
)
def test_the_schema_refuses_what_the_bridge_refuses(schema: Draft202012Validator, text: str) -> None:
    assert not schema.is_valid(tomllib.loads(text))


def test_the_first_files_work_as_they_are(tmp_path: Path) -> None:
    ran = config("init", cwd=tmp_path, RALLY_API_KEY="a#key'of$rally", REDIS_URL="redis://:p%23w@h/1")
    key = ran.stdout.removeprefix("export RALLY_BRIDGE_KEY=").strip()

    assert ran.returncode == 0
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert key not in (tmp_path / ".env").read_text() + (tmp_path / "bridge.toml").read_text()
    assert digest(key).hex() in (tmp_path / "bridge.toml").read_text()
    with chdir(tmp_path):
        settings = load_checked({})
    assert settings.workspaces["default"].key.reveal() == "a#key'of$rally"
    assert settings.redis_url.reveal() == "redis://:p%23w@h/1"
    assert only(list(settings.clients)).admin


def test_without_a_key_of_rally_the_line_is_left_to_fill_in(tmp_path: Path) -> None:
    ran = config("init", "new/folder", cwd=tmp_path)

    assert ran.returncode == 0
    assert "write your Rally key into .env (RALLY_API_KEY)" in ran.stderr
    checked = config("check", cwd=tmp_path / "new" / "folder")
    assert (checked.returncode, only(checked.stderr.splitlines())[:22]) == (2, ".env:5: RALLY_API_KEY ")
    assert config("check", cwd=tmp_path / "new" / "folder", RALLY_API_KEY="k").returncode == 0


def test_a_file_that_can_be_created_but_not_written_is_named_and_removed(tmp_path: Path) -> None:
    script = 'ulimit -f 0; exec "$0" -m bridge.cli config init "$1"'  # as on a full disk: a file may have no contents
    command = ["/bin/bash", "-c", script, sys.executable, str(tmp_path)]
    ran = run(command, check=False, input="", capture_output=True, text=True, timeout=60)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{tmp_path}/.env can't be written: File too large; nothing was written.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", [".env", "bridge.toml"])
def test_existing_files_are_never_overwritten(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine")
    ran = config("init", cwd=tmp_path)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{existing} exists; nothing was written. Name another folder, or move it.\n"
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "mine"


def test_the_examples_in_the_first_file_are_valid(schema: Draft202012Validator) -> None:
    text = re.sub(r"^# (?=\[|[a-z_]+ = )", "", CONFIG, flags=re.MULTILINE)
    tables = tomllib.loads(text.replace("sha256:…", f"sha256:{'a' * 64}").format(digest=f"sha256:{'b' * 64}"))

    schema.validate(tables)
    assert tables.keys() == {"workspaces", "destinations", "clients", "rules"}
