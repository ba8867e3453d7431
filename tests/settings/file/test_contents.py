"""The configuration file: what it configures, and its problems, each with file, line and key."""

import os
from pathlib import Path

import pytest

from bridge.checked_settings import load_checked
from bridge.domain.clients import digest
from bridge.domain.destinations import Callback, SlackChannel, SlackWebhook
from bridge.errors import SettingsError
from bridge.settings import Settings
from tests.settings.test_model import GOOD
from tests.support.samples import only

DIGEST = f"sha256:{'a' * 64}"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONFIG = f"""\
[workspaces.eu]
key_env = "EU_KEY"
base_url = "https://eu.example.com/v1/"
budget_share = 0.5

[workspaces.uk]
key_file = "keys/uk"

[destinations.research]
type = "slack_webhook"
url = "https://hooks.slack.com/services/T/B/HUNTER2"

[destinations.panels]
type = "slack"
channel = "C0PANELS1"

[destinations.crm]
type = "callback"
url = "https://crm.example.com/HUNTER2"
secret = "{SECRET}"

[destinations.crm.headers]
X-Team = "panels"
Authorization_env = "CRM_TOKEN"

[clients.panels]
keys = ["{DIGEST}"]
workspaces = ["eu", "default"]
named = ["research"]
"""
ENVIRON = {**GOOD, "EU_KEY": "key-of-eu", "CRM_TOKEN": "Bearer HUNTER2", "SLACK_BOT_TOKEN": "xoxb-1"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "uk").write_text("key-of-uk\n")
    return tmp_path / "bridge.toml"


def load(file: Path, text: str, **changes: str) -> Settings:
    file.write_text(text)
    return load_checked({**ENVIRON, "BRIDGE_CONFIG_FILE": str(file), **changes}, env_file=None)


def problems(file: Path, text: str, **changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, text, **changes)
    assert "HUNTER2" not in str(caught.value)
    return list(caught.value.problems)


def test_workspaces_have_their_own_key_and_perhaps_their_own_address_and_share(file: Path) -> None:
    known = [(each.name, each.key.reveal(), each.budget_share) for each in load(file, CONFIG).workspaces.values()]

    assert known == [("default", "rally-hunter2", 0.8), ("eu", "key-of-eu", 0.5), ("uk", "key-of-uk", 0.8)]
    assert load(file, CONFIG).workspaces["eu"].base_url == "https://eu.example.com/v1"
    assert load(file, CONFIG, RALLY_BASE_URL="https://here/v1").workspaces["uk"].base_url == "https://here/v1"


def test_destinations_have_the_types_and_fields_of_the_api(file: Path) -> None:
    known = load(file, CONFIG).destinations

    assert isinstance(known["research"], SlackWebhook)
    assert known["panels"] == SlackChannel(channel="C0PANELS1")
    assert isinstance(known["crm"], Callback)
    assert known["crm"].secret is not None
    assert {name: value.reveal() for name, value in known["crm"].headers.items()} == {
        "X-Team": "panels",
        "Authorization": "Bearer HUNTER2",
    }
    assert "HUNTER2" not in repr(load(file, CONFIG))


def test_clients_of_both_sources_are_known(file: Path) -> None:
    known = {client.name: client for client in load(file, CONFIG).clients}

    assert known.keys() == {"crm", "ops", "panels"}
    assert known["panels"].permissions.workspaces == frozenset({"eu", "default"})
    assert known["panels"].permissions.callback_hosts is None


def test_the_default_workspace_may_stand_in_the_file(file: Path) -> None:
    text = '[workspaces.default]\nkey = "key-in-the-file"\n'

    assert load(file, text, RALLY_API_KEY="").workspaces["default"].key.reveal() == "key-in-the-file"
    assert only(problems(file, text)) == (
        f"{file}:1: workspaces.default: RALLY_API_KEY is set as well; configure this workspace in one place"
    )


def test_a_sandbox_stands_in_for_every_workspace(file: Path) -> None:
    text = f'{CONFIG}\n[workspaces.default]\nkey = "key-in-the-file"\n'
    known = load(file, text, RALLY_API_KEY="key-of-sandbox", RALLY_SANDBOX="http://127.0.0.1:8081")

    assert {(each.key.reveal(), each.base_url) for each in known.workspaces.values()} == {
        ("key-of-sandbox", "http://127.0.0.1:8081/rally/api/public/v1")
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[clients", 1, "is not TOML"),
        ('[workspaces.eu]\nkey = "a\n', 2, "is not TOML"),
        ("[rule.x]", 1, "rule: is not known"),
        ("workspaces = 1", 1, "workspaces: must be tables: [workspaces.NAME]"),
        ("destinations = []", 1, "destinations: must be tables: [destinations.NAME]"),
        ("clients = 1", 1, "clients: must be tables: [clients.NAME]"),
        ("[clients]\nx = 1", 2, "clients.x: must be a table"),
        ('[workspaces.EU]\nkey = "k"', 1, "workspaces.EU: must be a name"),
        ("[workspaces.eu]", 1, "workspaces.eu.key: is required; or give key_file or key_env"),
        ('[workspaces.eu]\n\nkeys = "k"\nkey = "k"', 3, "workspaces.eu.keys: is not known; did you mean key?"),
        ('[workspaces.eu]\nkey = "k"\nkey_file = "keys/uk"', 2, "workspaces.eu.key: give only one of key, key_file"),
        (
            '[workspaces.eu]\nkey_file = "none"',
            2,
            "workspaces.eu.key_file: names a file that can't be read (No such file",
        ),
        ('[workspaces.eu]\nkey_env = "NONE"', 2, "workspaces.eu.key_env: names a variable that is not set"),
        ("[workspaces.eu]\nkey = 3", 2, "workspaces.eu.key: must be a string"),
        ('[workspaces.eu]\nkey = "HUNTER2 HUNTER2"', 2, "workspaces.eu.key: must consist of visible ASCII"),
        ('[workspaces.eu]\nkey = "k"\nbase_url = "eu"', 3, "workspaces.eu.base_url: must be an http or https URL"),
        (
            '[workspaces.eu]\nkey = "k"\nbase_url = "https://٣"',
            3,
            "workspaces.eu.base_url: is not a URL that can be sent",
        ),
        (
            '[workspaces.eu]\nkey = "k"\nimport_url = "https://app.example.com/imports"',
            3,
            "workspaces.eu.import_url: must contain {importId} once",
        ),
        ('[workspaces.eu]\nkey = "k"\nbudget_share = 2', 3, "workspaces.eu.budget_share: must be at most 1"),
        (
            '[destinations.x]\ntype = "slack"\nchannel = "C0123ABCD"\nmention = {users = ["@jane"]}',
            4,
            "destinations.x.mention.users: entry 1 must be the id of a Slack user",
        ),
        (
            '[destinations.x]\ntype = "slack"\nchannel = "C0123ABCD"\nmention = {users = ["U0123"], on = ["done"]}',
            4,
            'destinations.x.mention.on: must be "problems", "always" or a list of completed',
        ),
        (
            '[destinations.x]\ntype = "slack"\nchannel = "C0123ABCD"\nend = "reply"',
            1,
            "destinations.x: end is only possible with live = true",
        ),
        (
            '[destinations.x]\ntype = "slack"\nchannel = "C0123ABCD"\nlive = true\nend = "thread"',
            5,
            'destinations.x.end: must be "broadcast", "reply" or "message"',
        ),
        (
            '[workspaces.eu]\nkey = "k"\nwebhook_secrets = []',
            3,
            "workspaces.eu.webhook_secrets: must hold at least one",
        ),
        (
            '[workspaces.eu]\nkey = "k"\nwebhook_secrets = "whsec_HUNTER2"',
            3,
            "workspaces.eu.webhook_secrets: must be a list of strings",
        ),
        (
            f'[workspaces.eu]\nkey = "k"\nwebhook_secrets = ["{SECRET}", "{SECRET},{SECRET}"]',
            3,
            "workspaces.eu.webhook_secrets: secret 2 must be whsec_ and the base64 of 24 to 64 bytes",
        ),
        (
            '[workspaces.eu]\nkey = "k"\nwebhook_secrets_env = "PUSH"\nwebhook_secrets_file = "push"',
            4,
            "workspaces.eu.webhook_secrets_file: give only one of",
        ),
        (
            '[workspaces.eu]\nkey = "k"\nwebhook_secrets_env = "PUSH"',
            3,
            "workspaces.eu.webhook_secrets_env: names a variable that is not set",
        ),
        ('[destinations.ops]\nurl = "https://x/HUNTER2"', 1, "destinations.ops.type: is required; it is one of"),
        (
            '[destinations.ops]\ntype = "mail"',
            2,
            'type: is not known; it is one of "slack_webhook", "slack", "callback"',
        ),
        ('[destinations.ops]\ntype = "slack"\nchannel = "#x"', 3, "destinations.ops.channel: must be a channel's id"),
        (
            '[destinations.ops]\ntype = "callback"\nurl = "HUNTER2"',
            3,
            "destinations.ops.url: must be one http or https",
        ),
        (
            '[destinations.ops]\ntype = "callback"\nurl = "https://x.example:99999/HUNTER2"',
            3,
            "destinations.ops.url: must have a port from 1 to 65535",
        ),
        (
            '[destinations.ops]\ntype = "callback"\nurl = "http://localhost:9/HUNTER2"',
            3,
            "destinations.ops.url: localhost is not allowed; EGRESS_ALLOW can allow it",
        ),
        (
            '[destinations.ops]\ntype = "callback"\nurl = "https://x.example/"\nheaders = {Host = "HUNTER2"}',
            4,
            "destinations.ops.headers.Host: The header Host can't be set",
        ),
        ("[clients.crm2]", 1, "clients.crm2: keys is required"),
        (f'[clients.operator]\nkeys = ["{DIGEST}"]', 1, "clients.operator: no client may be named 'operator'"),
        ('[clients.x]\nkeys = [\n  "HUNTER2-HUNTER2-1",\n]', 2, "clients.x.keys: entry 1 must be sha256: and 64"),
        ("[clients.x]\nkeys = []", 2, "clients.x.keys: must have at least 1"),
        (f'[clients.x]\nkeys = ["{DIGEST}"]\nchannels = []', 3, "clients.x.channels: is not known"),
        (
            f'[clients.x]\nkeys = ["{DIGEST}"]\nworkspaces = ["us"]',
            3,
            "clients.x.workspaces: entry 1 is not the name of a",
        ),
        (f'[clients.x]\nkeys = ["{DIGEST}"]\nnamed = ["HUNTER2"]', 3, "clients.x.named: entry 1 is not the name of a"),
        (f'[clients.x]\nkeys = ["{DIGEST}"]\nslack_channels = ["#general"]', 3, "entry 1 must be a channel's id"),
        (f'[clients.x]\nkeys = ["{DIGEST}"]\ncallback_hosts = ["https://a.example"]', 3, "entry 1 must be a host"),
        (f'[clients.x]\nkeys = ["{DIGEST}"]\ncallback_hosts = ["a.example:8443"]', 3, "entry 1 must be a host"),
        (f'[clients.x]\nkeys = ["{DIGEST}", "{DIGEST}"]', 2, "clients.x.keys: a key occurs twice"),
        (f'[clients.crm]\nkeys = ["{DIGEST}"]', 1, "clients.crm: is in BRIDGE_API_KEYS as well"),
        (
            f'[clients.x]\nkeys = ["sha256:{digest("hunter2-hunter2-1").hex()}"]',
            2,
            "clients.x.keys: a key occurs twice, also for 'crm'",
        ),
    ],
)
def test_a_problem_names_file_line_and_key_and_no_secret(file: Path, text: str, line: int, words: str) -> None:
    told = only(problems(file, text))

    assert told.startswith(f"{file}:{line}: ")
    assert words in told


@pytest.mark.parametrize(
    "header",
    [
        '"HUNTER2-HUNTER2-1" = 5',
        '"short.HUNTER2-HUNTER2-1" = 5',
        '"HUNTER2-HUNTER2-1 é" = "x"',
        'HUNTER2-HUNTER2-1_env = "NONE"',
        'HUNTER2-HUNTER2-1_file = "none"',
    ],
)
def test_a_key_in_the_place_of_a_headers_name_is_not_repeated(file: Path, header: str) -> None:
    text = f'[destinations.ops]\ntype = "callback"\nurl = "https://x.example/"\n[destinations.ops.headers]\n{header}\n'

    assert only(problems(file, text)).startswith(f"{file}:5: destinations.ops.headers.…: ")


def test_a_key_in_the_place_of_a_tables_name_is_not_repeated(file: Path) -> None:
    table = """[workspaces.ab."c'HUNTER2"]\n"""

    assert "is not TOML: Cannot declare … twice" in problems(file, 2 * table)[0]


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_a_secret_is_read_from_files_only(file: Path, tmp_path: Path, kind: str) -> None:
    """A pipe without a writer would be waited for forever, and a device may never end."""
    os.mkfifo(tmp_path / "pipe")
    path = {"folder": tmp_path, "pipe": tmp_path / "pipe", "device": Path("/dev/zero")}[kind]

    assert only(problems(file, f'[workspaces.eu]\nkey_file = "{path}"')) == (
        f"{file}:2: workspaces.eu.key_file: names something that is not a file"
    )


def test_a_secret_is_not_read_from_a_huge_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 1_100_000)

    assert "names a file that is larger than 1 MiB" in only(problems(file, '[workspaces.eu]\nkey_file = "key"'))


def test_a_channel_without_a_bot_is_reported(file: Path) -> None:
    assert only(problems(file, CONFIG, SLACK_BOT_TOKEN="")) == (
        f"{file}:13: destinations.panels: needs a Slack bot: set SLACK_BOT_TOKEN"
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff\xfe[\x00", "is not UTF-8 (byte 1); save it as UTF-8"),
        (b"#" * 1_100_000, "is larger than 1 MiB"),
        (b"a = " + b"[" * 50_000, "nests its values too deeply"),
        (b"a." * 3000 + b"b = 1", "nests its values too deeply"),
        (b"a = " + b"1" * 5000, "holds a number with too many digits"),
    ],
)
def test_a_file_that_cannot_be_used_hides_no_other_problem_and_adds_none(file: Path, raw: bytes, words: str) -> None:
    file.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        load_checked({**ENVIRON, "BRIDGE_CONFIG_FILE": str(file), "BRIDGE_API_KEYS": "", "POLL_FLOOR": "5"}, None)

    assert [problem.partition(": ")[0] for problem in caught.value.problems] == ["POLL_FLOOR", str(file)]
    assert words in str(caught.value)


def test_problems_of_environment_and_file_are_told_together(file: Path) -> None:
    text = '[workspaces.eu]\nkey = "k"\nshare = 1\n[destinations.ops]\ntype = "callback"\nurl = "http://10.0.0.1/"\n'
    told = problems(file, text, POLL_FLOOR="5", POLL_CIELING="5s", REDIS_URL="")

    assert [problem.split(": ")[:2] for problem in told] == [
        ["POLL_CIELING", "is not a setting; did you mean POLL_CEILING?"],
        ["POLL_FLOOR", "'5' is not a duration"],
        [f"{file}:3", "workspaces.eu.share"],
        ["REDIS_URL (or REDIS_URL_FILE) is required, but it is empty"],
        [f"{file}:6", "destinations.ops.url"],
    ]


@pytest.mark.parametrize("wrong", ['secret_file = "none"', 'secret = "HUNTER2"', "secrets = 1"])
def test_an_invalid_key_of_a_destination_hides_no_problem_of_its_other_keys(file: Path, wrong: str) -> None:
    text = f'[destinations.ops]\ntype = "callback"\nurl = "http://10.0.0.1/"\n{wrong}\nheaders = {{Host = "x"}}\n'

    assert [told.partition(": ")[0] for told in problems(file, text)] == [f"{file}:4", f"{file}:3", f"{file}:5"]


def test_a_list_of_two_digests_rotates_a_key_and_three_are_refused(file: Path) -> None:
    keys = [f'"sha256:{letter * 64}"' for letter in "abc"]

    known = load(file, f"[clients.x]\nkeys = [{', '.join(keys[:2])}]")
    assert len(known.clients[-1].digests) == 2
    assert "must have at most 2" in only(problems(file, f"[clients.x]\nkeys = [{', '.join(keys)}]"))
