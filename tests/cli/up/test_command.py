"""`rally-bridge up`: problems reported before the start, secrets generated once, and the banner."""

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from rich.console import Console

from bridge.cli.errors import CannotStart
from bridge.cli.up import environment, exports
from bridge.cli.up.banner import DEMO_IDS, Banner
from bridge.cli.up.data_dir import DataDir, open_data_dir
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.generated_secrets import load_or_generate
from bridge.sandbox.demo_imports import demo
from tests.support.command_line import only_environment, run_here
from tests.support.configuration import client, workspace
from tests.support.processes import free_ports


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with open_data_dir(tmp_path / "data") as data:
        yield data


def rally_bridge(cwd: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """Run the command as a user would; return its exit code and stderr."""
    ended = run_here(*arguments, env={"PATH": os.environ["PATH"], **env}, cwd=cwd)
    return ended.returncode, ended.stderr


def rally_bridge_process(cwd: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """Do the same in a process of its own, for commands that change the process' logging."""
    ended = subprocess.run(
        [sys.executable, "-m", "bridge.cli", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    return ended.returncode, ended.stderr


def test_without_a_rally_key_both_alternatives_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RALLY_API_KEY=\n")

    exit_code, output = rally_bridge(tmp_path, "up")

    assert exit_code == 2
    assert output.startswith(".env:1: RALLY_API_KEY (or RALLY_API_KEY_FILE, or [workspaces.default]")
    assert output.endswith("To try everything without a Rally account: rally-bridge up --sandbox\n")
    assert not (tmp_path / "rally-bridge-data").exists()


@pytest.mark.parametrize("line", ["RALLY_API_KEY=k", "RALLY_API_KEY_FILE=key", "export RALLY_API_KEY='k'"])
def test_a_rally_key_in_dotenv_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RALLY_API_KEY", raising=False)
    (tmp_path / ".env").write_text(f"{line}\n")

    assert environment.has_rally(UserSettings.read())


def test_settings_are_read_as_the_bridge_itself_reads_them(tmp_path: Path) -> None:
    exit_code, output = rally_bridge(tmp_path, "up", rally_api_key="k")

    assert exit_code == 2
    assert "rally_api_key: is not a setting; did you mean RALLY_API_KEY?\n" in output
    assert "RALLY_API_KEY (or" in output


def test_every_problem_of_all_sources_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nPOLL_FLOOR=5\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bridge.toml").write_text("[workspaces.eu]\nkey = 3\n")

    exit_code, output = rally_bridge(tmp_path, "up", "--data-dir", "data", REDIS_URL="http://x")

    assert exit_code == 2
    assert [line.partition(": ")[0].partition(" (")[0] for line in output.splitlines()] == [
        "REDIS_URL",
        ".env:2",
        f"{tmp_path}/data/bridge.toml:2",
        "RALLY_API_KEY",
        "To try everything without a Rally account",
    ]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["bridge.toml"]


def test_a_configuration_file_in_the_data_directory_is_passed_on(data: DataDir, tmp_path: Path) -> None:
    (data.path / "bridge.toml").write_text(workspace("default", "k") + client("crm", "key-of-the-crm-of-tests"))
    made = load_or_generate(data, sandbox=False)
    with only_environment({}), chdir(tmp_path):
        user = UserSettings.read(data.path)
        settings = environment.live(user, made, "unix:///redis.sock")
        environment.require_settings(user, sandbox_port=None)

    assert settings["BRIDGE_CONFIG_FILE"] == str(data.path / "bridge.toml")
    assert "BRIDGE_API_KEYS" not in settings, "it has clients of its own"


def test_bad_settings_are_reported_before_ports_are_looked_at_or_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--port", port, POLL_FLOOR="3", LOG_LEVEL="loud")

    assert exit_code == 2
    assert [line.partition(":")[0] for line in output.splitlines()] == ["POLL_FLOOR", "LOG_LEVEL"]
    assert not (tmp_path / "rally-bridge-data" / "sandbox" / "logs").exists()


def test_a_data_directory_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--data-dir", "file/data")

    assert exit_code == 2
    assert f"The data directory {tmp_path}/file/data can't be created or written to: Not a directory." in output


def test_a_second_up_on_one_data_directory_names_the_first(tmp_path: Path, data: DataDir) -> None:
    exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--data-dir", str(data.path))

    assert exit_code == 2
    assert f"Another `rally-bridge up` (pid {os.getpid()}) uses the data directory {data.path}." in output


def test_a_released_lock_does_not_block(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "data"):
        pass

    with open_data_dir(tmp_path / "data") as data:
        assert (data.path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_file_in_the_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    data = tmp_path / "rally-bridge-data" / "sandbox"
    (data / "logs" / "redis.log").mkdir(parents=True)

    exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--port", str(free_ports()))

    assert exit_code == 2
    assert f"{data}/logs/redis.log can't be read or written to: Is a directory." in output


def test_a_full_disk_is_reported_with_the_data_directory(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as told, open_data_dir(tmp_path / "data"), Path("/dev/full").open("w") as full:
        full.write("x")

    assert str(told.value).startswith(f"{tmp_path}/data can't be read or written to: No space left on device.")


def test_an_error_elsewhere_is_not_blamed_on_the_data_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_data_dir(tmp_path / "data"):
        (tmp_path / "elsewhere").read_text()


@pytest.mark.parametrize(
    ("host", "said_of_it"),
    [("nowhere.invalid", "The API can't listen on nowhere.invalid"), ("192.0.2.1", "of 192.0.2.1: Cannot assign")],
)
def test_an_address_of_another_machine_is_distinguished_from_a_taken_port(
    tmp_path: Path, host: str, said_of_it: str
) -> None:
    exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--host", host, "--port", str(free_ports()))

    assert exit_code == 2
    assert said_of_it in output
    assert "Choose another address with --host." in output


@contextmanager
def pair_of_ports(*, take_first: bool) -> Iterator[int]:
    """Yield the first of two consecutive ports, one free and one taken; concurrent tests look for ports, too."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as one, suppress(OSError):
            port = one.getsockname()[1]
            with socket.create_server(("127.0.0.1", port + 1)) as other:
                (other if take_first else one).close()
                yield port
                return
    raise AssertionError("no two free ports in a row")


@pytest.mark.parametrize("sandbox_too", [False, True])
def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path, *, sandbox_too: bool) -> None:
    with pair_of_ports(take_first=not sandbox_too) as port:
        exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--port", str(port))

    named = f"The sandbox can't listen on port {port + 1}" if sandbox_too else f"The API can't listen on port {port}"
    assert exit_code == 2
    assert f"{named} of 127.0.0.1" in output
    assert "--port" in output
    assert not (tmp_path / "rally-bridge-data" / "sandbox" / "pids.json").exists()


def test_the_last_port_leaves_no_port_for_the_sandbox(tmp_path: Path) -> None:
    exit_code, output = rally_bridge(tmp_path, "up", "--sandbox", "--port", "65535")

    assert exit_code == 2
    assert "the last one is 65535" in output


def test_an_unreachable_redis_is_reported_without_its_password(tmp_path: Path) -> None:
    url = f"unix://:hunter2@{tmp_path}/nobody.sock"

    exit_code, output = rally_bridge(tmp_path, "up", "--port", str(free_ports()), RALLY_API_KEY="k", REDIS_URL=url)

    assert exit_code == 2
    assert "The Redis at REDIS_URL can't be used: no connection." in output
    assert "hunter2" not in output


class NoRedis(BaseRequestHandler):
    """A server that answers with HTTP."""

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_worker_reports_a_server_that_is_not_redis_in_one_line(tmp_path: Path, data: DataDir) -> None:
    settings = environment.live(UserSettings({}), load_or_generate(data, sandbox=False), None)
    with ThreadingTCPServer(("127.0.0.1", 0), NoRedis) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"redis://:hunter2@127.0.0.1:{server.server_address[1]}"

        exit_code, output = rally_bridge_process(tmp_path, "worker", RALLY_API_KEY="k", REDIS_URL=url, **settings)
        server.shutdown()

    assert exit_code == 1
    assert output.startswith("The Redis at REDIS_URL can't be used: ")
    assert len(output.splitlines()) == 1
    assert "hunter2" not in output


def test_secrets_are_generated_once_and_readable_by_their_owner_only(data: DataDir) -> None:
    first = load_or_generate(data, sandbox=False)
    second = load_or_generate(data, sandbox=False)

    assert first == second
    assert first["BRIDGE_API_KEYS"].startswith("local:rbk_")
    assert first["BRIDGE_API_KEYS"].endswith(":admin")
    assert first["CALLBACK_SECRETS"].startswith("whsec_")
    assert stat.S_IMODE(data.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.path.stat().st_mode) == 0o700


def test_sandbox_and_live_data_are_never_mixed(tmp_path: Path) -> None:
    for name, sandbox in (("live", False), ("sandbox", True)):
        with open_data_dir(tmp_path / name) as data:
            load_or_generate(data, sandbox=sandbox)

            with pytest.raises(CannotStart, match=f"belongs to a {name} bridge"):
                load_or_generate(data, sandbox=not sandbox)


def test_settings_of_the_user_take_precedence_over_generated_ones(data: DataDir) -> None:
    made = load_or_generate(data, sandbox=False)
    given = UserSettings({"BRIDGE_API_KEYS": "crm:k", "CALLBACK_SECRETS_FILE": "secrets"})

    settings = environment.live(given, made, "unix:///redis.sock")

    assert set(settings) == {"BRIDGE_ENCRYPTION_KEYS", "REDIS_URL"}


def test_a_sandboxed_bridge_calls_the_sandbox_whatever_else_is_set(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = load_or_generate(data, sandbox=True)
    given = UserSettings({"RALLY_API_KEY": "real"})
    ways_out = ("RALLY_PROXY", "RALLY_BASE_URL", "SLACK_API_URL", "EGRESS_PROXY", "EGRESS_PROXY_FILE")
    for name in ("RALLY_API_KEY", "RALLY_API_KEY_FILE", "RALLY_WEBHOOK_SECRETS", *ways_out):
        monkeypatch.setenv(name, "real")

    env = environment.environment_with(environment.sandboxed(given, made, None, 8081))

    assert "real" not in env.values()
    assert env["RALLY_API_KEY"] == made["SANDBOX_RALLY_KEY"]
    assert env["RALLY_BASE_URL"] == "http://127.0.0.1:8081/rally/api/public/v1"
    assert env["EGRESS_SANDBOX"] == "http://127.0.0.1:8081"
    assert env["RALLY_WEBHOOK_SECRETS"] == made["SANDBOX_WEBHOOK_SECRETS"]
    assert env["RALLY_SANDBOX"] == "http://127.0.0.1:8081", "for the workspaces of a configuration file"


API, SANDBOX, API_KEY = "http://127.0.0.1:8080", "http://127.0.0.1:8081", "rbk_" + "x" * 43


def banner_of(sandbox: str | None, variables: Mapping[str, str]) -> Banner:
    return Banner(api=API, sandbox=sandbox, exports=variables, data=Path("/data"), logs=Path("/data/logs"))


def printed_lines(banner: Banner) -> list[str]:
    console = Console(width=40, force_terminal=False)
    with console.capture() as capture:
        banner.print(console)
    return capture.get().splitlines()


@pytest.mark.parametrize("sandbox", [SANDBOX, None])
def test_the_printed_commands_can_be_pasted_as_they_are(sandbox: str | None) -> None:
    banner = banner_of(sandbox, exports.of_bridge(API, API_KEY))

    printed = [line for line in printed_lines(banner) if line.startswith("curl")]
    assert printed == [command for _, command in banner.commands()]
    post = shlex.split(printed[0])
    assert post[3:5] == ["-H", f"Authorization: Bearer {API_KEY}"]
    assert json.loads(post[-1])["importId"]
    assert sandbox is None or not any("PUT-" in command for command in printed), "nothing is left to fill in"
    assert API_KEY not in repr(banner)


def test_the_banner_of_a_sandbox_prints_the_variables_the_docs_and_the_demo_ids(data: DataDir) -> None:
    made = load_or_generate(data, sandbox=True)
    banner = replace(banner_of(SANDBOX, exports.of_bridge(API, API_KEY)), rally=exports.of_sandbox(SANDBOX, made))

    printed = printed_lines(banner)

    rally = [
        f"export RALLY_BASE_URL={SANDBOX}/rally/api/public/v1",
        f"export RALLY_API_KEY={made['SANDBOX_RALLY_KEY']}",
    ]
    exported = [f"export RALLY_BRIDGE_URL={API}", f"export RALLY_BRIDGE_KEY={API_KEY}", *rally]
    assert [line for line in printed if line.startswith("export")] == exported
    assert "For scripts that import people into the simulated Rally: source /data/rally.sh, or" in printed
    assert f"  Docs     {API}/docs" in printed
    assert f"  Console  {API}/console" in printed
    assert "Console" not in str(printed_lines(replace(banner, console=False)))
    assert "demo-completed-1, demo-partial-1, demo-failed-1, demo-slow-1" in printed
    assert all(demo(each, now=0.0) for each in DEMO_IDS)


def test_the_banner_of_a_sandbox_names_its_rule() -> None:
    banner = replace(banner_of(SANDBOX, {}), rule_file="/data/bridge.toml")

    named = [line for line in printed_lines(banner) if "/data/bridge.toml" in line]
    assert named == ["Press “Upload a CSV in Rally's UI” in the inbox. The rule in /data/bridge.toml sends its message"]
    assert not [line for line in printed_lines(banner_of(SANDBOX, {})) if "Upload" in line]


def test_the_banner_has_the_url_to_add_in_rally_for_each_workspace_with_a_secret() -> None:
    banner = replace(banner_of(None, {}), pushed=["default", "eu"])

    urls = [line for line in printed_lines(banner) if "/v1/push/" in line]
    assert urls == [f"https://YOUR-HOST/v1/push/rally/{name}" for name in banner.pushed]
    assert not [line for line in printed_lines(banner_of(None, {})) if "/v1/push/" in line]


def test_the_variables_are_written_for_a_shell_and_readable_by_their_owner_only(data: DataDir) -> None:
    written = exports.write(data, {"RALLY_BRIDGE_URL": API, "RALLY_BRIDGE_KEY": "it's $HOME"})

    sourced = subprocess.run(
        ["/bin/bash", "-c", 'source "$1" && printf %s "$RALLY_BRIDGE_KEY"', "bash", str(written)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sourced.stdout == "it's $HOME"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_keys_of_the_user_are_not_printed() -> None:
    printed = printed_lines(banner_of(None, exports.of_bridge(API, None)))

    assert "export RALLY_BRIDGE_KEY=…  # one of your API keys" in printed
    assert sum("Bearer $RALLY_BRIDGE_KEY" in line for line in printed) == 2


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (UserSettings({}), "rbk_"),
        (UserSettings({"BRIDGE_API_KEYS": "crm:key-of-the-crm,ops:another:admin"}), "key-of-the-crm"),
        (UserSettings({}, tables={"clients": {"crm": {}}}), None),
    ],
)
def test_the_inbox_posts_its_watches_with_the_key_of_the_first_client(
    data: DataDir, given: UserSettings, key: str | None
) -> None:
    found = environment.client_key(given, load_or_generate(data, sandbox=True))

    assert found is None if key is None else (found or "").startswith(key)
