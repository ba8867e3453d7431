"""`rally-bridge deploy systemd`: units that systemd accepts, with the secrets as credentials."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.cli.deploy.parts import PARTS, REQUIRED_SECRETS
from tests.support.command_line import run_here


def printed(part: str, *options: str, cwd: Path) -> str:
    ended = run_here("deploy", "systemd", part, *options, env={}, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("part", PARTS)
def test_systemd_finds_no_fault_in_a_unit(part: str, tmp_path: Path) -> None:
    file = tmp_path / {"web": "rally-bridge-web.service", "worker": "rally-bridge-worker@1.service"}[part]
    file.write_text(printed(part, "--program", "/bin/true", cwd=tmp_path))

    verified = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)  # noqa: S607 - wherever it is installed

    assert [line for line in verified.stderr.splitlines() if file.name in line] == []
    assert verified.returncode == 0


@pytest.mark.parametrize("part", PARTS)
def test_each_secret_is_a_credential_that_its_variable_names(part: str, tmp_path: Path) -> None:
    lines = printed(part, cwd=tmp_path).splitlines()

    for name in REQUIRED_SECRETS:
        assert f"LoadCredential={name}:/etc/rally-bridge/secrets/{name}" in lines
        assert f"Environment={name}_FILE=%d/{name}" in lines


def test_only_the_named_secrets_are_read(tmp_path: Path) -> None:
    unit = printed("web", "--secret", "REDIS_URL", "--secret", "SLACK_BOT_TOKEN", cwd=tmp_path)

    assert unit.count("LoadCredential=") == 2
    assert "Environment=SLACK_BOT_TOKEN_FILE=%d/SLACK_BOT_TOKEN" in unit


def test_invalid_settings_do_not_start_a_unit_again(tmp_path: Path) -> None:
    unit = printed("worker", cwd=tmp_path)

    assert "\nRestart=always\n" in unit
    assert "\nRestartPreventExitStatus=2\n" in unit


def test_the_api_listens_where_it_is_told(tmp_path: Path) -> None:
    unit = printed("web", "--host", "10.0.0.5", "--port", "9000", "--program", "/opt/bridge", cwd=tmp_path)

    assert "\nExecStart=/opt/bridge serve --host 10.0.0.5 --port 9000\n" in unit


@pytest.mark.parametrize("value", ["a b", "a\nUser=root", "%h", "$HOME"])
@pytest.mark.parametrize("option", ["--host", "--program"])
def test_a_value_that_systemd_would_read_otherwise_is_refused(option: str, value: str, tmp_path: Path) -> None:
    ended = run_here("deploy", "systemd", "web", option, value, env={}, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "It must have no blanks" in ended.stderr
