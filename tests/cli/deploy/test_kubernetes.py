"""`rally-bridge deploy kubernetes`: manifests that fit Kubernetes' schema, and fit each other."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from bridge.cli.deploy.kubernetes import DRAIN_SECONDS, manifests
from bridge.cli.deploy.parts import REQUIRED_SECRETS, WEB, WORKER
from bridge.cli.services import GRACE
from tests.support.command_line import run_here
from tests.support.samples import only

ALL = manifests(image="registry.example.com/rally-bridge:1", secrets=REQUIRED_SECRETS)
OLDEST = "1.30"


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [each for each in ALL if each["kind"] == kind]


def pod(part: str) -> dict[str, Any]:
    deployments = [each["spec"] for each in of_kind("Deployment") if each["metadata"]["name"].endswith(part)]
    found: dict[str, Any] = only(deployments)["template"]["spec"]
    return found


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_manifest_fits_the_schema(version: str) -> None:
    for manifest in ALL:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_command_prints_the_manifests_as_documents(tmp_path: Path) -> None:
    ended = run_here("deploy", "kubernetes", "--image", "registry.example.com/rally-bridge:1", env={}, cwd=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(yaml.safe_load_all(ended.stdout)) == ALL


def test_each_selector_selects_the_pods_of_its_part() -> None:
    for deployment in of_kind("Deployment"):
        spec = deployment["spec"]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"] == labels
        assert [each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget")].count(labels) == 1
        assert [each["spec"]["podSelector"]["matchLabels"] for each in of_kind("NetworkPolicy")].count(labels) == 1
    assert only(of_kind("Service"))["spec"]["selector"]["app.kubernetes.io/component"] == WEB.name


@pytest.mark.parametrize("part", [WEB.name, WORKER.name])
def test_no_variable_of_a_service_is_taken_for_a_setting(part: str) -> None:
    assert pod(part)["enableServiceLinks"] is False


@pytest.mark.parametrize("part", [WEB.name, WORKER.name])
def test_secrets_are_files_and_no_variable_has_one(part: str) -> None:
    container = only(pod(part)["containers"])
    variables = {each["name"]: each["value"] for each in container["env"]}
    folder = only([each["mountPath"] for each in container["volumeMounts"] if each["name"] == "secrets"])

    assert {name: variables[f"{name}_FILE"] for name in REQUIRED_SECRETS} == {
        name: f"{folder}/{name}" for name in REQUIRED_SECRETS
    }
    assert not set(REQUIRED_SECRETS) & variables.keys()


def test_the_api_may_finish_its_requests_after_the_pause_before_it_stops() -> None:
    container = only(pod(WEB.name)["containers"])

    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", str(DRAIN_SECONDS)]
    assert pod(WEB.name)["terminationGracePeriodSeconds"] >= DRAIN_SECONDS + GRACE + 5


def test_the_probe_of_a_worker_reads_the_file_that_the_worker_touches() -> None:
    container = only(pod(WORKER.name)["containers"])
    alive_file = only([each["value"] for each in container["env"] if each["name"] == "WORKER_ALIVE_FILE"])

    assert alive_file in container["livenessProbe"]["exec"]["command"][-1]
