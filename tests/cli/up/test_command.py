"""Whether `rally-bridge up` says in plain words what is in the way, and makes its secrets once."""

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from rich.console import Console

from bridge.cli.errors import CannotStart
from bridge.cli.up import environment
from bridge.cli.up.banner import Banner
from bridge.cli.up.data_dir import DataDir, opened
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.generated_secrets import load_or_generate
from tests.support.processes import free_ports


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    with opened(tmp_path / "data") as data:
        yield data


def rally_bridge(cwd: Path, *arguments: str, **env: str) -> tuple[int, str]:
    """Run the command as a user would; give its exit code and what it said on stderr."""
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


def test_without_a_rally_key_both_ways_on_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RALLY_API_KEY=\n")

    exit_code, said = rally_bridge(tmp_path, "up")

    assert exit_code == 2
    assert "RALLY_API_KEY is not set" in said
    assert "rally-bridge up --sandbox" in said
    assert not (tmp_path / "rally-bridge-data").exists()


@pytest.mark.parametrize("line", ["RALLY_API_KEY=k", "RALLY_API_KEY_FILE=key", "export RALLY_API_KEY='k'"])
def test_a_rally_key_in_dotenv_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RALLY_API_KEY", raising=False)
    (tmp_path / ".env").write_text(f"{line}\n")

    environment.require_rally(UserSettings.read())


def test_settings_are_read_as_the_bridge_itself_reads_them(tmp_path: Path) -> None:
    exit_code, said = rally_bridge(tmp_path, "up", rally_api_key="k")

    assert exit_code == 2
    assert "RALLY_API_KEY is not set" in said


def test_bad_settings_are_reported_before_ports_are_looked_at_or_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--port", port, POLL_FLOOR="3", LOG_LEVEL="loud")

    assert exit_code == 2
    assert [line.partition(":")[0] for line in said.splitlines()] == ["POLL_FLOOR", "LOG_LEVEL"]
    assert not (tmp_path / "rally-bridge-data" / "sandbox" / "logs").exists()


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--data-dir", "file/data")

    assert exit_code == 2
    assert f"The data directory {tmp_path}/file/data can't be made or written to: Not a directory." in said


def test_a_second_up_on_one_data_directory_names_the_first(tmp_path: Path, data: DataDir) -> None:
    exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--data-dir", str(data.path))

    assert exit_code == 2
    assert f"Another `rally-bridge up` (pid {os.getpid()}) uses the data directory {data.path}." in said


def test_a_lock_that_nobody_holds_does_not_block(tmp_path: Path) -> None:
    with opened(tmp_path / "data"):
        pass

    with opened(tmp_path / "data") as data:
        assert (data.path / "lock").read_text() == f"{os.getpid()}\n"


def test_what_we_cannot_write_within_the_data_directory_is_told(tmp_path: Path) -> None:
    data = tmp_path / "rally-bridge-data" / "sandbox"
    (data / "logs" / "redis.log").mkdir(parents=True)

    exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--port", str(free_ports()))

    assert exit_code == 2
    assert f"{data}/logs/redis.log can't be read or written to: Is a directory." in said


def test_a_fault_elsewhere_is_not_laid_to_the_data_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened(tmp_path / "data"):
        (tmp_path / "elsewhere").read_text()


@pytest.mark.parametrize(
    ("host", "said_of_it"),
    [("nowhere.invalid", "The API can't listen on nowhere.invalid"), ("192.0.2.1", "of 192.0.2.1: Cannot assign")],
)
def test_an_address_that_is_not_this_machines_is_told_apart_from_a_taken_port(
    tmp_path: Path, host: str, said_of_it: str
) -> None:
    exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--host", host, "--port", str(free_ports()))

    assert exit_code == 2
    assert said_of_it in said
    assert "Choose another address with --host." in said


@contextmanager
def pair_of_ports(*, take_first: bool) -> Iterator[int]:
    """Give the first of two ports in a row, one free and the other taken: tests beside this one look for ports, too."""
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
        exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--port", str(port))

    named = f"The sandbox can't listen on port {port + 1}" if sandbox_too else f"The API can't listen on port {port}"
    assert exit_code == 2
    assert f"{named} of 127.0.0.1" in said
    assert "--port" in said
    assert not (tmp_path / "rally-bridge-data" / "sandbox" / "pids.json").exists()


def test_the_last_port_leaves_none_for_the_sandbox(tmp_path: Path) -> None:
    exit_code, said = rally_bridge(tmp_path, "up", "--sandbox", "--port", "65535")

    assert exit_code == 2
    assert "there is none beyond 65535" in said


def test_a_redis_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"unix://:hunter2@{tmp_path}/nobody.sock"

    exit_code, said = rally_bridge(tmp_path, "up", "--port", str(free_ports()), RALLY_API_KEY="k", REDIS_URL=url)

    assert exit_code == 2
    assert "The Redis at REDIS_URL can't be used: no connection." in said
    assert "hunter2" not in said


class NoRedis(BaseRequestHandler):
    """Says what no Redis says."""

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_worker_whose_redis_is_none_says_so_in_a_line_without_its_password(tmp_path: Path, data: DataDir) -> None:
    settings = environment.live(UserSettings({}), load_or_generate(data, sandbox=False), None)
    with ThreadingTCPServer(("127.0.0.1", 0), NoRedis) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"redis://:hunter2@127.0.0.1:{server.server_address[1]}"

        exit_code, said = rally_bridge(tmp_path, "worker", RALLY_API_KEY="k", REDIS_URL=url, **settings)
        server.shutdown()

    assert exit_code == 1
    assert said.startswith("The Redis at REDIS_URL can't be used: ")
    assert len(said.splitlines()) == 1
    assert "hunter2" not in said


def test_secrets_are_made_once_and_only_their_owner_reads_them(data: DataDir) -> None:
    first = load_or_generate(data, sandbox=False)
    second = load_or_generate(data, sandbox=False)

    assert first == second
    assert first["BRIDGE_API_KEYS"].startswith("local:rbk_")
    assert first["BRIDGE_API_KEYS"].endswith(":admin")
    assert first["CALLBACK_SECRETS"].startswith("whsec_")
    assert stat.S_IMODE(data.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.path.stat().st_mode) == 0o700


def test_a_sandbox_does_not_move_into_live_data_nor_the_other_way_round(tmp_path: Path) -> None:
    for name, sandbox in (("live", False), ("sandbox", True)):
        with opened(tmp_path / name) as data:
            load_or_generate(data, sandbox=sandbox)

            with pytest.raises(CannotStart, match=f"belongs to a {name} bridge"):
                load_or_generate(data, sandbox=not sandbox)


def test_what_the_user_set_wins_over_what_was_made(data: DataDir) -> None:
    made = load_or_generate(data, sandbox=False)
    given = UserSettings({"BRIDGE_API_KEYS": "crm:k", "CALLBACK_SECRETS_FILE": "secrets"})

    settings = environment.live(given, made, "unix:///redis.sock")

    assert set(settings) == {"BRIDGE_ENCRYPTION_KEYS", "REDIS_URL"}


def test_a_sandboxed_bridge_asks_the_sandbox_whatever_else_is_set(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = load_or_generate(data, sandbox=True)
    given = UserSettings({"RALLY_API_KEY": "real", "EGRESS_ALLOW": "10.0.0.0/8"})
    for name in ("RALLY_API_KEY", "RALLY_API_KEY_FILE", "RALLY_WORKSPACES", "RALLY_BASE_URL"):
        monkeypatch.setenv(name, "real")

    env = environment.environment_with(environment.sandboxed(given, made, None, 8081))

    assert "real" not in env.values()
    assert env["RALLY_API_KEY"] == made["SANDBOX_RALLY_KEY"]
    assert env["RALLY_BASE_URL"] == "http://127.0.0.1:8081/rally/api/public/v1"
    assert env["EGRESS_ALLOW"] == "10.0.0.0/8,127.0.0.1:8081"


@pytest.mark.parametrize("sandbox", ["http://127.0.0.1:8081", None])
def test_the_printed_commands_can_be_pasted_as_they_are(sandbox: str | None) -> None:
    banner = Banner(
        api="http://127.0.0.1:8080", sandbox=sandbox, key="rbk_" + "x" * 43, data=Path("/data"), logs=Path("/data/logs")
    )
    console = Console(width=40, force_terminal=False)

    with console.capture() as capture:
        banner.print(console)

    printed = [line for line in capture.get().splitlines() if line.startswith("curl")]
    assert printed == [command for _, command in banner.commands()]
    post = shlex.split(printed[0])
    assert post[3:5] == ["-H", f"Authorization: Bearer {banner.key}"]
    assert json.loads(post[-1])["importId"]
    assert sandbox is None or not any("PUT-" in command for command in printed), "nothing is left to fill in"
    assert banner.key not in repr(banner)
