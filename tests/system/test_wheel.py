"""The wheel as users install it: built from the source, in a virtual environment of its own, run outside the source."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli import SERVICE
from tests.support.processes import Journey, free_ports, up, wait_for

HOME = Path(__file__).parents[2]
PIP = ("-m", "pip", "--disable-pip-version-check")
MOST_LIGHT_PACKAGES = 24
PROGRAM = """
import asyncio
from bridge.client import AsyncBridge, Bridge, verify_callback

async def outcome() -> str | None:
    async with AsyncBridge() as bridge:
        return (await bridge.wait(await bridge.watch("demo-completed-2"), timeout=60)).outcome

with Bridge() as bridge:
    print(bridge.wait(bridge.watch("demo-failed-1"), timeout=60).outcome, asyncio.run(outcome()))
"""


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, check=False, env=env or None
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the built wheel and its locked dependencies."""

    home: Path
    wheel: Path
    constraints: Path

    @property
    def command(self) -> Path:
        return self.home / "bin" / "rally-bridge"

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    def install(self, extra: str = "") -> None:
        wanted = f"rally-bridge{extra} @ {self.wheel.as_uri()}"
        run(self.python, *PIP, "install", "-q", "--only-binary", ":all:", "-c", self.constraints, wanted)

    def packages(self) -> set[str]:
        return {each["name"] for each in json.loads(run(self.python, *PIP, "list", "--format", "json"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    run(sys.executable, *PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", directory, HOME)
    (wheel,) = directory.glob("rally_bridge-*.whl")
    return wheel


def environment(wheel: Path, home: Path) -> Environment:
    run(sys.executable, "-m", "venv", home)
    return Environment(home=home, wheel=wheel, constraints=constraints(home))


def constraints(directory: Path) -> Path:
    """Write the versions of requirements.lock, without the hashes, which would be asked of the wheel as well."""
    pins = [line.partition("\\")[0] for line in (HOME / "requirements.lock").read_text().splitlines() if "==" in line]
    file = directory / "constraints.txt"
    file.write_text("\n".join(pins))
    return file


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = environment(wheel, tmp_path_factory.mktemp("light") / "environment")
    made.install()
    return made


@pytest.fixture(scope="module")
def service(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = environment(wheel, tmp_path_factory.mktemp("service") / "environment")
    made.install("[server]")
    return made


@pytest.fixture(scope="module")
def journey(service: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with up(tmp_path_factory.mktemp("up") / "data", free_ports(), program=[str(service.command)]) as journey:
        yield journey


@pytest.mark.slow  # builds a wheel and installs everything that the product needs
def test_the_wheel_runs_a_watch_to_its_messages(journey: Journey, service: Environment) -> None:
    server = journey.child("redis.sock").exe()
    watch = journey.post("demo-completed-1")
    wait_for(lambda: len(journey.messages()) == 2, "both messages")

    assert journey.get(watch)["outcome"] == "completed"
    assert all(message["verified"] for message in journey.messages())
    assert journey.http.get(f"http://127.0.0.1:{journey.port}/docs/api").status_code == 200
    assert Path(server).is_relative_to(service.home), "the bundled Valkey"


@pytest.mark.slow  # as above
def test_the_light_install_is_small(light: Environment) -> None:
    packages = light.packages() - {"pip", "setuptools"}
    assert len(packages) <= MOST_LIGHT_PACKAGES, packages
    assert packages.isdisjoint({"arq", "cryptography", "pydantic", "redis", "starlette", "uvicorn"})


@pytest.mark.slow  # as above
def test_the_light_install_has_the_client_and_its_commands(light: Environment, journey: Journey) -> None:
    env = {"RALLY_BRIDGE_URL": f"http://127.0.0.1:{journey.port}", "RALLY_BRIDGE_KEY": journey.key}
    watch_id = run(light.command, "watch", "demo-completed-3", "--label", "light", **env).strip()
    assert watch_id in run(light.command, "list", **env)
    assert "light" in run(light.command, "show", watch_id, **env)
    assert run(light.python, "-c", PROGRAM, **env) == "failed completed\n"


@pytest.mark.slow  # as above
@pytest.mark.parametrize("name", sorted(SERVICE))
def test_the_light_install_names_the_extra_for_the_service(light: Environment, name: str) -> None:
    ran = subprocess.run([light.command, name], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"`rally-bridge {name}` needs the service: pip install 'rally-bridge[server]'. Missing: " in ran.stderr


@pytest.mark.slow  # as above
def test_a_foreign_package_that_overwrites_ours_is_named(service: Environment, tmp_path: Path) -> None:
    source = tmp_path / "some-workers"
    (source / "workers").mkdir(parents=True)
    (source / "workers" / "__init__.py").write_text("")
    (source / "pyproject.toml").write_text('[project]\nname = "some-workers"\nversion = "7.0"\n')
    run(service.python, *PIP, "install", "--quiet", "--no-deps", source)
    ran = subprocess.run([service.command, "worker"], capture_output=True, text=True, timeout=60, check=False)
    run(service.python, *PIP, "uninstall", "--quiet", "--yes", "some-workers")
    after = subprocess.run([service.command, "worker"], capture_output=True, text=True, timeout=60, check=False)
    run(service.python, *PIP, "install", "--quiet", "--no-deps", "--force-reinstall", service.wheel)

    assert (ran.returncode, after.returncode) == (2, 2)
    assert ran.stderr.startswith("some-workers 7.0 has replaced files of rally-bridge")
    assert after.stderr.startswith("Files of rally-bridge")
