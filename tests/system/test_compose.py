"""docker-compose.yml: what the guides promise about required settings, mounts and the sandbox."""

import re
from pathlib import Path, PurePosixPath

import pytest
import yaml

from bridge.cli.deploy.parts import ALIVE_CHECK, CONFIG_FILE, PARTS, SECRETS_FOLDER, Part
from bridge.sandbox.settings import SandboxSettings
from bridge.version import VERSION
from tests.support.samples import only

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
GUIDE = (ROOT / "bridge" / "docs" / "configuration.md").read_text()


def test_no_secret_is_required_as_a_variable_because_each_may_be_in_a_file() -> None:
    assert re.findall(r"\$\{(\w+):\?", COMPOSE) == []
    assert set(SERVICES["web"]["environment"]) == {"REDIS_URL", "BRIDGE_CONFIG_FILE"}


def test_each_service_has_a_limit_of_memory_and_redis_refuses_writes_before_it_reaches_its_own() -> None:
    options = SERVICES["redis"]["command"]
    limits = {name: int(re.fullmatch(r"(\d+)m", each["mem_limit"])[1]) for name, each in SERVICES.items()}  # type: ignore[index] # fails

    assert options[options.index("--maxmemory-policy") + 1] == "noeviction"
    assert options[options.index("--maxmemory") + 1] == "768mb"
    assert limits["redis"] >= 768 * 1.5


def test_a_range_of_ports_can_be_published() -> None:
    """Compose gives each of several containers another port of the range, if the port of the container is one."""
    assert SERVICES["web"]["ports"] == ["${BRIDGE_PUBLISH:-127.0.0.1:8080}:8080"]
    assert "container_name" not in SERVICES["web"]


def test_the_image_is_labelled_with_the_version_of_the_package() -> None:
    assert f"\nARG VERSION={VERSION}\n" in (ROOT / "Dockerfile").read_text()


def test_a_secret_in_a_file_beside_bridge_toml_is_mounted_beside_it() -> None:
    config = PurePosixPath(only(re.findall(r"BRIDGE_CONFIG_FILE: (\S+)", COMPOSE)))
    example = PurePosixPath(only(re.findall(r'^url_file = "(\S+)"', GUIDE, re.MULTILINE)))

    assert f"./{example.parent}:{config.parent / example.parent}:ro" in COMPOSE


def test_the_sandbox_gets_every_secret_that_its_settings_have() -> None:
    passed = dict.fromkeys(re.findall(r"(SANDBOX_\w+): ", COMPOSE), "x")
    settings = SandboxSettings.from_env(passed)

    assert all([settings.rally_key, settings.callback_secrets, settings.slack_token, settings.bridge_key])


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_has_the_same_limits_as_in_other_deployments(part: Part) -> None:
    service = SERVICES[part.name]

    assert service["mem_limit"] == f"{part.memory}m"
    assert service["stop_grace_period"] == f"{part.stop_seconds}s"


def test_files_are_where_other_deployments_have_them() -> None:
    mounted = [each.split(":")[-2] for each in SERVICES["web"]["volumes"]]

    assert mounted == [CONFIG_FILE, SECRETS_FOLDER]


def test_a_worker_is_checked_as_in_other_deployments() -> None:
    assert SERVICES["worker"]["healthcheck"]["test"][1] == ALIVE_CHECK.replace("$", "$$")
