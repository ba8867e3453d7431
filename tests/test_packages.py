"""What our programs say about the packages around them: too few, or others in the place of ours."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from bridge import packages
from bridge.cli import COMMANDS, SERVICE
from tests.support.installations import HOME, install, install_ours

FOREIGN = {"workers/__init__.py": "print('foreign')\n", "workers/other.py": ""}
WITH_HTTPX_AND_RICH = {"httpcore", "markdown_it", "typing_extensions"}
"""Modules that the service requires by itself, but that come with the light install as well."""


def run(
    *path: Path, arguments: list[str], start: str = "from rally_bridge import main; main()"
) -> "subprocess.CompletedProcess[str]":
    """Run a program, usually the command line, with these directories first on Python's path."""
    code = f"import sys; sys.path[:0] = {[str(each) for each in path]}; {start}"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_another_distribution_that_replaced_our_files_is_named(site: Path) -> None:
    install_ours(site)
    install(site, "some-workers", FOREIGN)
    ran = run(site, arguments=["worker"])
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "some-workers 7.0 has replaced files of rally-bridge 7.0, such as workers/__init__.py. "
        "Remedy: pip uninstall some-workers; pip install --force-reinstall --no-deps rally-bridge\n"
    )


@pytest.mark.slow
def test_a_light_command_that_can_not_be_imported_names_it_as_well(site: Path) -> None:
    install_ours(site)
    install(site, "some-bridge", {"bridge/client/__init__.py": ""})
    ran = run(site, arguments=["list"])
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("some-bridge 7.0 has replaced files of rally-bridge 7.0, such as bridge/client/__init")


@pytest.mark.slow
def test_files_removed_with_another_distribution_are_reported(site: Path) -> None:
    install_ours(site)
    (site / "workers" / "settings.py").unlink()
    ran = run(site, arguments=["serve"])
    assert ran.returncode == 2
    assert ran.stderr.startswith("Files of rally-bridge 7.0 are missing, such as workers/settings.py. Remedy: ")


def test_a_package_that_is_found_before_ours_is_named(site: Path, tmp_path: Path) -> None:
    install_ours(site)
    install(tmp_path / "before", "some-workers", FOREIGN)
    ran = run(tmp_path / "before", site, arguments=["worker"])
    found = tmp_path / "before" / "workers"
    assert ran.returncode == 2
    assert f"another package workers before that of rally-bridge: {found}, of some-workers 7.0. Remedy: " in ran.stderr


@pytest.mark.parametrize("files", [["__init__.py"], ["__init__.py", "cli/__init__.py"]])
def test_another_bridge_that_is_found_before_ours_is_named(site: Path, tmp_path: Path, files: list[str]) -> None:
    install_ours(site)
    install(tmp_path / "before", "some-bridge", {f"bridge/{each}": "def main(): pass\n" for each in files})
    ran = run(tmp_path / "before", site, arguments=["list"])
    assert (ran.returncode, ran.stdout) == (2, "")
    found = tmp_path / "before" / "bridge"
    assert ran.stderr.startswith(f"Python finds another package bridge before that of rally-bridge: {found}. Remedy: ")


@pytest.mark.slow
def test_another_distribution_that_replaced_the_command_line_is_named(site: Path) -> None:
    install_ours(site)
    install(site, "some-bridge", {"bridge/cli/__init__.py": ""})
    ran = run(site, arguments=["list"])
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("some-bridge 7.0 has replaced files of rally-bridge 7.0, such as bridge/cli/__init__")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "arguments", "status"),
    [
        ("from uvicorn import main; main()", ["bridge.web.app:app", "--port", "0"], 3),
        ("from arq.cli import cli; cli()", ["workers.settings.WorkerSettings"], 2),
    ],
    ids=["uvicorn", "arq"],
)
def test_servers_that_are_started_directly_name_it_as_well(
    site: Path, start: str, arguments: list[str], status: int
) -> None:
    install_ours(site)
    install(site, "some-workers", FOREIGN)
    ran = run(site, arguments=arguments, start=start)
    assert ran.returncode == status
    assert (
        "some-workers 7.0 has replaced files of rally-bridge 7.0, such as workers/__init__.py. Remedy: " in ran.stderr
    )


@pytest.mark.slow
def test_edited_files_do_not_stop_a_command(site: Path) -> None:
    install_ours(site)
    (site / "workers" / "__init__.py").write_text('"""Edited."""\n')
    assert run(site, arguments=["serve", "--help"]).returncode == 0


def test_commands_of_the_service_name_the_extra_that_brings_it(site: Path) -> None:
    elsewhere = "elsewhere; sys_platform == 'none' and extra == 'server'"
    install_ours(site, requires=["some-queue>=1; extra == 'server'", "httpx>=0.28", elsewhere])
    ran = run(site, arguments=["serve", "--port", "8080"])
    assert (ran.returncode, ran.stdout) == (2, "")
    needs = "`rally-bridge serve` needs the service: pip install 'rally-bridge[server]'. Missing: some-queue.\n"
    assert ran.stderr == needs


def test_help_and_light_commands_work_without_the_service(site: Path) -> None:
    install_ours(site, requires=["some-queue>=1; extra == 'server'"])
    listed = run(site, arguments=["--help"]).stdout.partition("Commands:")[2].partition("\n\n")[0]
    said = dict(re.findall(r"^  ([\w-]+) +(\S.*)$", listed, re.MULTILINE))
    assert said.keys() == COMMANDS.keys()
    assert {name for name, words in said.items() if words.startswith("Needs pip install")} == SERVICE
    assert "There is no API key" in run(site, arguments=["list"]).stderr


def test_light_commands_import_no_package_of_the_service() -> None:
    extras = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {re.split(r"[^A-Za-z0-9-]", each)[0] for each in extras["server"]}
    modules = {module for module, owners in packages_distributions().items() if names & set(owners)}
    blocked = sorted(modules - WITH_HTTPX_AND_RICH)
    assert {"arq", "cryptography", "pydantic", "redis", "starlette", "uvicorn"} <= set(blocked)
    code = f"import sys; sys.modules |= dict.fromkeys({blocked}); from bridge.cli import main"
    light = f"{code}; [main.get_command(None, name) for name in {sorted(COMMANDS.keys() - SERVICE)}]"
    ran = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("noted", "commit"),
    [
        ('{"url": "https://git.example/bridge", "vcs_info": {"vcs": "git", "commit_id": "1a2b3c"}}', "1a2b3c"),
        ('{"url": "file:///source", "dir_info": {"editable": true}}', None),
        (None, None),
    ],
)
def test_the_commit_is_known_of_an_installation_from_a_repository(noted: str | None, commit: str | None) -> None:
    assert packages.commit_in(noted) == commit
