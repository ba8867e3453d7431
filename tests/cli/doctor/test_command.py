"""`rally-bridge doctor`: a bridge of `up`, examined through its data directory or through the environment."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from dotenv import dotenv_values
from redis import Redis

from bridge.cli.up import embedded_redis
from bridge.cli.up.data_dir import DataDir
from bridge.store import keys
from tests.support.command_line import run_at_terminal, run_here
from tests.support.configuration import destination, workspace
from tests.support.processes import Journey, free_ports, up, wait_for
from tests.support.samples import only

PASSWORD = "hunter2-of-redis"


PATH_TOKEN = "path-token-of-the-tests"


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with up(tmp_path_factory.mktemp("doctor") / "data", free_ports()) as journey:
        yield journey


@dataclass(frozen=True)
class Ran:
    exit_code: int
    out: str
    err: str

    @property
    def findings(self) -> dict[str, dict[str, str]]:
        return {finding["check"]: finding for finding in json.loads(self.out)["findings"]}

    @property
    def failed(self) -> set[str]:
        return {check for check, finding in self.findings.items() if finding["state"] == "failed"}


def run(journey: Journey, *arguments: str, cwd: str = "", **env: str) -> Ran:
    """Run the command within 60 s, and check that its output has no secret and no traceback."""
    made = secrets_of(journey)
    env = {"PATH": os.environ["PATH"], "COLUMNS": "80", **env}
    ended = run_here("doctor", *arguments, env=env, cwd=Path(cwd or journey.data.parent))
    said = ended.stdout + ended.stderr
    secret = [value for name, value in made.items() if name != "RALLY_BRIDGE_MODE"]
    secret += [made["BRIDGE_API_KEYS"].split(":")[1], PASSWORD, PATH_TOKEN]
    assert [each for each in secret if each in said] == []
    assert "Traceback" not in said
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def secrets_of(journey: Journey) -> dict[str, str]:
    kept = dotenv_values(journey.data / "secrets.env", interpolate=False)
    return {name: str(value) for name, value in kept.items()}


def environment(journey: Journey, **changes: str) -> dict[str, str]:
    """Return the settings of the bridge as an operator sets them who runs each part."""
    made = secrets_of(journey)
    sandbox = f"127.0.0.1:{journey.port + 1}"
    return {
        "REDIS_URL": redis_url(journey),
        "RALLY_API_KEY": made["SANDBOX_RALLY_KEY"],
        "RALLY_BASE_URL": f"http://{sandbox}/rally/api/public/v1",
        "BRIDGE_API_KEYS": made["BRIDGE_API_KEYS"],
        "BRIDGE_ENCRYPTION_KEYS": made["BRIDGE_ENCRYPTION_KEYS"],
        "CALLBACK_SECRETS": made["CALLBACK_SECRETS"],
        "EGRESS_ALLOW": sandbox,
        **changes,
    }


def redis_url(journey: Journey) -> str:
    socket_ = embedded_redis.existing_socket(DataDir(journey.data))
    assert socket_ is not None
    return embedded_redis.url(socket_)


def config_file(folder: Path, *tables: str) -> str:
    (folder / "bridge.toml").write_text("\n".join(tables))
    return str(folder / "bridge.toml")


def callback(journey: Journey, name: str = "ops") -> str:
    return f"http://127.0.0.1:{journey.port + 1}/inbox/callbacks/{name}?token={PATH_TOKEN}"


@contextmanager
def configured(journey: Journey, **changes: str) -> Iterator[None]:
    """Change settings of the running Redis for a while."""
    with Redis.from_url(redis_url(journey), decode_responses=True) as redis:
        before = {name: redis.config_get(name)[name] for name in changes}
        try:
            for name, value in changes.items():
                redis.config_set(name, value)
            yield
        finally:
            for name, value in before.items():
                redis.config_set(name, value)


def well(journey: Journey, *arguments: str, **env: str) -> Ran:
    """Run the command once a worker is known to be alive; check that nothing failed."""
    with Redis.from_url(redis_url(journey)) as redis:
        wait_for(lambda: redis.exists(keys.WORKERS), "a worker's heartbeat")
    ran = run(journey, *arguments, **env)
    assert ran.exit_code == 0, ran.out + ran.err
    return ran


def test_a_bridge_of_up_is_found_by_its_directory_and_passes(journey: Journey) -> None:
    before = {path: path.stat().st_mtime_ns for path in journey.data.iterdir() if path.is_file()}
    ran = well(journey, "--data-dir", str(journey.data))

    assert f"The bridge of {journey.data}, with its sandbox\n" in ran.out
    assert "✓ ok           Push, default: 1 secret is set" in ran.out
    assert "– not checked  Destination research-ops: " in ran.out
    assert ran.out.endswith("\n2 not checked, 20 ok\n")
    assert {path: path.stat().st_mtime_ns for path in journey.data.iterdir() if path.is_file()} == before


def test_the_last_push_of_rally_is_shown(journey: Journey) -> None:
    pushed = journey.http.post(f"http://127.0.0.1:{journey.port + 1}/control/pushes", json={"kind": "test"})
    assert only(pushed.json())["status"] == 204

    push = run(journey, "--data-dir", str(journey.data), "--json").findings["Push, default"]
    assert re.search(r"last pushes: person_import\.csv\.finished \d+s ago", push["detail"])


def test_a_bridge_of_the_environment_passes_in_json_too(journey: Journey, tmp_path: Path) -> None:
    config = config_file(tmp_path, destination("ops", "callback", callback(journey)))
    ran = well(journey, "--json", **environment(journey, BRIDGE_CONFIG_FILE=config))

    document = json.loads(ran.out)
    assert document["ok"] is True
    assert {tuple(finding) for finding in document["findings"]} == {("check", "state", "detail", "remedy")}
    assert {finding["state"] for finding in document["findings"]} == {"ok"}
    assert "Named destinations" not in ran.findings
    assert ran.findings["Slack bot"]["detail"] == "none configured (SLACK_BOT_TOKEN)"
    assert ran.findings["Destination ops"]["detail"].endswith("(--send sends a test message)")
    assert journey.messages(kind="callback", name="ops") == [], "nothing is sent without --send"


def test_each_finding_is_one_line_with_its_remedy(journey: Journey) -> None:
    ran = run(journey, **environment(journey, RALLY_API_KEY="wrong"))

    assert ran.exit_code == 1
    line = only([line for line in ran.out.splitlines() if "Rally, default" in line])
    assert line.startswith("✗ failed       Rally, default: http")
    assert line.endswith("(HTTP 401) → Set RALLY_API_KEY to a valid key.")
    assert "1 failed" in ran.out.splitlines()[-1]


def test_a_terminal_shows_each_finding_whole(journey: Journey) -> None:
    env = {**environment(journey), "COLUMNS": "60", "TERM": "xterm"}
    printed = run_at_terminal("doctor", env=env, cwd=journey.data.parent).stdout
    assert "✓ ok" in printed
    assert "…" not in printed


def test_a_path_where_no_rally_is_is_not_taken_for_one_that_accepts_the_key(journey: Journey) -> None:
    elsewhere = f"http://127.0.0.1:{journey.port + 1}/nowhere/v1"
    ran = run(journey, "--json", **environment(journey, RALLY_BASE_URL=elsewhere))

    assert (ran.exit_code, ran.findings["Rally, default"]["state"]) == (0, "warning")
    assert "Check the path of RALLY_BASE_URL" in str(ran.findings["Rally, default"]["remedy"])


def test_one_rejected_key_of_several_is_named_with_its_line(journey: Journey, tmp_path: Path) -> None:
    good = secrets_of(journey)["SANDBOX_RALLY_KEY"]
    config = config_file(tmp_path, workspace("eu", good), workspace("uk", "refused-key"))
    ran = run(journey, "--json", **environment(journey, BRIDGE_CONFIG_FILE=config))

    assert (ran.exit_code, ran.failed) == (1, {"Rally, uk"})
    assert ran.findings["Rally, uk"]["remedy"] == f"Set workspaces.uk.key ({config}:5) to a valid key."
    assert "refused-key" not in ran.out


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"redis://:{PASSWORD}@127.0.0.1:1/0?password={PASSWORD}", "redis://127.0.0.1:1: no connection"),
        (f"unix://:{PASSWORD}@/nowhere/redis.sock", "unix:///nowhere/redis.sock: no connection"),
        ("redis://no-such-host.invalid", "redis://no-such-host.invalid:6379: no connection"),
        ("OURS with a password", "AUTH <password> called without any password configured"),
    ],
)
def test_an_unreachable_redis_hides_nothing_else(journey: Journey, url: str, words: str) -> None:
    if url.startswith("OURS"):
        url = redis_url(journey).replace("unix://", f"unix://:{PASSWORD}@")
    ran = run(journey, "--json", **environment(journey, REDIS_URL=url, RALLY_API_KEY="wrong"))

    assert (ran.exit_code, ran.failed) == (1, {"Redis", "Rally, default"})
    assert words in ran.findings["Redis"]["detail"]
    assert ran.findings["Clock outside"]["detail"].startswith("this machine and Rally")


def test_a_missing_password_is_reported(journey: Journey) -> None:
    with configured(journey, requirepass=PASSWORD):
        ran = run(journey, "--json", **environment(journey))
    assert ran.failed == {"Redis"}
    assert "Authentication required" in ran.findings["Redis"]["detail"]
    assert ran.err == ""


def test_a_redis_that_is_not_durable_is_reported(journey: Journey) -> None:
    with configured(journey, appendonly="no"):
        ran = run(journey, "--json", **environment(journey))
    assert (ran.exit_code, ran.failed) == (1, {"Redis durability"})

    with configured(journey, appendfsync="everysec"):
        ran = run(journey, "--json", **environment(journey))
    assert (ran.exit_code, ran.findings["Redis durability"]["state"]) == (0, "warning")


def test_a_redis_that_evicts_is_reported(journey: Journey) -> None:
    with configured(journey, maxmemory="500mb", **{"maxmemory-policy": "allkeys-lru"}):
        ran = run(journey, "--json", **environment(journey))

    assert (ran.exit_code, ran.failed) == (1, {"Redis eviction"})


def test_a_redis_that_refuses_writes_is_reported(journey: Journey) -> None:
    with configured(journey, maxmemory="1mb"):
        ran = run(journey, "--json", **environment(journey))
    assert {"Redis writes"} <= ran.failed <= {"Redis writes", "Workers"}, "no sign of life can be written either"
    assert ran.findings["Redis eviction"]["state"] == "warning"


def test_keys_that_decrypt_nothing_are_reported(journey: Journey) -> None:
    ran = run(journey, "--json", **environment(journey, BRIDGE_ENCRYPTION_KEYS=Fernet.generate_key().decode()))

    assert ran.failed == {"Encryption keys"}


def test_another_redis_without_a_worker_is_reported(journey: Journey) -> None:
    other = redis_url(journey) + "?db=7"
    ran = run(journey, "--json", **environment(journey, REDIS_URL=other))

    assert ran.failed == {"Workers"}
    with Redis.from_url(other) as redis:
        assert set(redis.keys()) <= {b"rb:check"}, "nothing was written there"


NOWHERE = {
    "private": ("callback", f"http://10.0.0.1/{PATH_TOKEN}", "an address of this kind is not allowed: private"),
    "number": ("callback", f"http://2130706433/{PATH_TOKEN}", "loopback"),
    "webhook": ("slack_webhook", f"https://example.com/services/{PATH_TOKEN}", "a Slack webhook's URL begins with"),
    "local": ("callback", f"http://localhost:80/{PATH_TOKEN}", "localhost is not allowed"),
}


def test_destinations_that_the_egress_rules_refuse_are_problems_of_the_settings(
    journey: Journey, tmp_path: Path
) -> None:
    config = config_file(tmp_path, *(destination(name, kind, url) for name, (kind, url, _) in NOWHERE.items()))
    ran = run(journey, "--json", **environment(journey, BRIDGE_CONFIG_FILE=config))

    assert ran.exit_code == 2
    problems = [finding["detail"] for finding in json.loads(ran.out)["findings"]]
    for problem, (name, (_, _, words)) in zip(problems, NOWHERE.items(), strict=True):
        assert f"destinations.{name}.url: " in problem
        assert words in problem


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "--send")])
def test_a_destination_that_does_not_resolve_is_reported(
    journey: Journey, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    config = config_file(tmp_path, destination("unknown", "callback", f"https://no-such-host.invalid/{PATH_TOKEN}"))
    ran = run(journey, *arguments, **environment(journey, BRIDGE_CONFIG_FILE=config))

    assert (ran.exit_code, ran.failed) == (1, {"Destination unknown"})
    assert "the name does not resolve" in ran.findings["Destination unknown"]["detail"]


def test_destinations_that_are_written_in_rules_are_checked_too(journey: Journey, tmp_path: Path) -> None:
    url = callback(journey, "of-the-rule")
    rule = f'[[rules]]\nname = "crm"\nnotify = [{{type = "callback", url = "{url}"}}]\n'
    ran = run(journey, "--json", "--send", **environment(journey, BRIDGE_CONFIG_FILE=config_file(tmp_path, rule)))

    assert "a test message for “rule:crm”" in ran.findings["Destination 1 of rule crm"]["detail"]
    assert len(journey.messages(kind="callback", name="of-the-rule")) == 1


def test_send_sends_test_messages_and_reports_their_results(journey: Journey, tmp_path: Path) -> None:
    inbox = f"http://127.0.0.1:{journey.port + 1}"
    journey.http.post(f"{inbox}/control/inbox/gone/answers", json=[{"status": 410}]).raise_for_status()
    config = config_file(
        tmp_path,
        *(destination(name, "callback", callback(journey, name)) for name in ("good", "gone")),
        destination("panel", "slack_webhook", f"{inbox}/inbox/services/T000/B000/{PATH_TOKEN}"),
        destination("lost", "slack_webhook", f"{inbox}/inbox/{PATH_TOKEN}"),
    )
    ran = run(journey, "--json", "--send", **environment(journey, BRIDGE_CONFIG_FILE=config))

    assert (ran.exit_code, ran.failed) == (1, {"Destination gone", "Destination lost"})
    assert "accepted a test message for “local”" in ran.findings["Destination good"]["detail"]
    assert "HTTP 410" in ran.findings["Destination gone"]["detail"]
    assert only(journey.messages(kind="callback", name="good"))["verified"]
    assert "test" in only(journey.messages(kind="slack"))["body"]


def test_the_token_of_slack_is_checked(journey: Journey) -> None:
    slack = f"http://127.0.0.1:{journey.port + 1}/slack/api"
    token = secrets_of(journey)["SANDBOX_SLACK_TOKEN"]
    good = run(journey, "--json", **environment(journey, SLACK_BOT_TOKEN=token, SLACK_API_URL=slack))
    assert good.findings["Slack bot"]["state"] == "ok"

    wrong = run(journey, "--json", **environment(journey, SLACK_BOT_TOKEN="xoxb-wrong", SLACK_API_URL=slack))
    assert wrong.failed == {"Slack bot"}
    assert "xoxb-wrong" not in wrong.out


def test_a_proxy_is_reported_without_its_password(journey: Journey, tmp_path: Path) -> None:
    port = free_ports()
    config = config_file(tmp_path, destination("crm", "callback", "https://no-such-host.invalid/x"))
    env = environment(journey, EGRESS_PROXY=f"http://user:{PASSWORD}@127.0.0.1:{port}", BRIDGE_CONFIG_FILE=config)
    assert run(journey, "--json", **env).failed == {"Egress proxy"}

    with socket.create_server(("127.0.0.1", port)):
        ran = run(journey, "--json", **env)
    assert ran.exit_code == 0, ran.out
    assert "the proxy resolves its name" in ran.findings["Destination crm"]["detail"]


def test_invalid_settings_are_reported_all_at_once(journey: Journey, tmp_path: Path) -> None:
    ran = run(journey, cwd=str(tmp_path), RALLY_API_KEY="a b", POLL_FLOOR="soon")
    assert (ran.exit_code, ran.out) == (2, "")
    for name in ("RALLY_API_KEY", "POLL_FLOOR", "REDIS_URL", "CALLBACK_SECRETS", "--data-dir"):
        assert name in ran.err

    late = environment(journey, EGRESS_ALLOW="/", CALLBACK_ED25519_KEYS=PASSWORD, EGRESS_CA_FILE="/nowhere")
    ran = run(journey, "--json", **late)
    assert (ran.exit_code, ran.failed, json.loads(ran.out)["ok"]) == (2, {"Settings"}, False)
    for name in ("EGRESS_ALLOW", "CALLBACK_ED25519_KEYS", "EGRESS_CA_FILE"):
        assert name in ran.err
        assert name in ran.out


def test_an_unknown_name_that_begins_like_ours_is_a_warning(journey: Journey) -> None:
    ran = run(journey, "--json", **environment(journey, RALLY_TOKEN="hunter2"))

    findings = [finding for finding in json.loads(ran.out)["findings"] if finding["check"] == "Settings"]
    assert [finding["state"] for finding in findings] == ["ok", "warning"]
    assert findings[1]["detail"] == "RALLY_TOKEN: is not a setting"
    assert "Settings" not in ran.failed


def test_an_unused_directory_is_reported_and_not_created(journey: Journey, tmp_path: Path) -> None:
    ran = run(journey, "--data-dir", str(tmp_path / "none"))

    assert (ran.exit_code, ran.err) == (2, f"No `rally-bridge up` has used the data directory {tmp_path / 'none'}.\n")
    assert not (tmp_path / "none").exists()


def test_a_stopped_bridge_is_reported_with_how_to_start_it(journey: Journey, tmp_path: Path) -> None:
    """The default directory of `up`, with secrets and no running process."""
    default = tmp_path / "rally-bridge-data"
    default.mkdir()
    live = {name: value for name, value in secrets_of(journey).items() if not name.startswith("SANDBOX_")}
    lines = [f"{name}={value}\n" for name, value in (live | {"RALLY_BRIDGE_MODE": "live"}).items()]
    (default / "secrets.env").write_text("".join(lines))
    env = environment(journey)
    ran = run(
        journey, "--json", cwd=str(tmp_path), RALLY_API_KEY=env["RALLY_API_KEY"], RALLY_BASE_URL=env["RALLY_BASE_URL"]
    )

    assert (ran.exit_code, ran.failed) == (1, {"Redis"})
    assert ran.findings["Redis"]["remedy"] == f"Start it: rally-bridge up --data-dir {default}"
    assert [path.name for path in default.iterdir()] == ["secrets.env"]


@pytest.mark.slow
def test_silent_services_delay_it_for_a_bounded_time(journey: Journey, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        changes = {
            "REDIS_URL": f"redis://{address}",
            "RALLY_BASE_URL": f"http://{address}",
            "SLACK_BOT_TOKEN": "xoxb-x",
            "SLACK_API_URL": f"http://{address}",
            "BRIDGE_CONFIG_FILE": config_file(
                tmp_path, destination("crm", "callback", f"http://{address}/{PATH_TOKEN}")
            ),
            "EGRESS_ALLOW": address,
        }
        ran = run(journey, "--json", "--send", **environment(journey, **changes))

    assert ran.failed == {"Redis", "Rally, default", "Slack bot", "Destination crm"}
