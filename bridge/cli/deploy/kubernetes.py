"""Manifests for Kubernetes: Deployments of the API and the workers, and what keeps them available and apart."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bridge.cli.deploy.parts import (
    ALIVE_CHECK,
    ALIVE_FILE,
    API_PORT,
    CONFIG_FILE,
    METRICS_PORT,
    SECRETS_FOLDER,
    USER,
    WEB,
    WORKER,
    Part,
    secret_file,
)

Manifest: TypeAlias = dict[str, Any]

NAME = "rally-bridge"
"""The name of the Secret, the ConfigMaps and the Service."""
SETTINGS = f"{NAME}-settings"
"""The ConfigMap of further variables."""
DRAIN_SECONDS = 5
"""How long the API still accepts connections after it was told to stop: until no proxy sends new ones."""
DNS_PORT = 53
REDIS_PORTS = (6379, 26379)
"""The usual ports of Redis and of its sentinels."""
ALL_BUT_LINK_LOCAL = {"0.0.0.0/0": "169.254.0.0/16", "::/0": "fe80::/10"}
"""All networks, and what is excluded from each: there, clouds serve the credentials of the machine."""
REPLICAS = {WEB: 2, WORKER: 2}


def manifests(*, image: str, secrets: Sequence[str]) -> list[Manifest]:
    return [
        _service(),
        *(_deployment(part, image, secrets) for part in (WEB, WORKER)),
        *(_disruption_budget(part) for part in (WEB, WORKER)),
        *(_network_policy(part, port) for part, port in ((WEB, API_PORT), (WORKER, METRICS_PORT))),
    ]


def _labels(part: Part) -> dict[str, str]:
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": part.name}


def _object(api: str, kind: str, part: Part, name: str, spec: Mapping[str, Any]) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": _labels(part)}, "spec": dict(spec)}


def _own_name(part: Part) -> str:
    return f"{NAME}-{part.name}"


def _service() -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    return _object("v1", "Service", WEB, NAME, {"selector": _labels(WEB), "ports": ports})


def _deployment(part: Part, image: str, secrets: Sequence[str]) -> Manifest:
    spec = {
        "replicas": REPLICAS[part],
        "selector": {"matchLabels": _labels(part)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": _labels(part)}, "spec": _pod(part, image, secrets)},
    }
    return _object("apps/v1", "Deployment", part, _own_name(part), spec)


def _pod(part: Part, image: str, secrets: Sequence[str]) -> Manifest:
    return {
        # Otherwise the variables of a Service might be taken for settings.
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": part.stop_seconds + (DRAIN_SECONDS if part is WEB else 0),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _labels(part)},
            }
        ],
        "containers": [_container(part, image, secrets)],
        "volumes": [
            {"name": "config", "configMap": {"name": NAME}},
            {"name": "secrets", "secret": {"secretName": NAME, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        ],
    }


def _container(part: Part, image: str, secrets: Sequence[str]) -> Manifest:
    return {
        "name": part.name,
        "image": image,
        "args": list(part.command),
        "env": [{"name": name, "value": value} for name, value in _variables(part, secrets).items()],
        "envFrom": [{"configMapRef": {"name": SETTINGS, "optional": True}}],
        "ports": [_port(part)],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": f"{part.memory}Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_FILE, "subPath": "bridge.toml", "readOnly": True},
            {"name": "secrets", "mountPath": SECRETS_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        ],
        **(_checks_of_web() if part is WEB else _checks_of_worker()),
    }


def _port(part: Part) -> Manifest:
    return {"name": "http", "containerPort": API_PORT} if part is WEB else _metrics_port()


def _metrics_port() -> Manifest:
    return {"name": "metrics", "containerPort": METRICS_PORT}


def _variables(part: Part, secrets: Sequence[str]) -> dict[str, str]:
    of_worker = {
        "WORKER_ALIVE_FILE": ALIVE_FILE,
        "WORKER_METRICS_PORT": str(METRICS_PORT),
        "METRICS_HOST": "0.0.0.0",  # noqa: S104 - the network policy decides who reaches it
    }
    return {
        "BRIDGE_CONFIG_FILE": CONFIG_FILE,
        **{f"{name}_FILE": secret_file(name) for name in secrets},
        **(of_worker if part is WORKER else {}),
    }


def _checks_of_web() -> Manifest:
    """Return probes and the pause before it stops.

    A pod that runs stays ready while Redis is unavailable: it then answers with Retry-After, and can still read from a
    Redis that is full.
    """
    return {
        "startupProbe": _get("/readyz", every=5, failures=60),
        "readinessProbe": _get("/healthz", every=5, failures=2),
        "livenessProbe": _get("/healthz", every=10, failures=3),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(DRAIN_SECONDS)]}}},
    }


def _get(path: str, *, every: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": every,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _checks_of_worker() -> Manifest:
    check = {"exec": {"command": ["sh", "-c", ALIVE_CHECK]}, "timeoutSeconds": 10}
    return {
        "startupProbe": {**check, "periodSeconds": 2, "failureThreshold": 75},
        "livenessProbe": {**check, "periodSeconds": 15, "failureThreshold": 3},
    }


def _disruption_budget(part: Part) -> Manifest:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": _labels(part)}}
    return _object("policy/v1", "PodDisruptionBudget", part, _own_name(part), spec)


def _network_policy(part: Part, port: int) -> Manifest:
    spec = {
        "podSelector": {"matchLabels": _labels(part)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": _tcp(port)}],
        "egress": [
            {"ports": [{"protocol": "UDP", "port": DNS_PORT}, *_tcp(DNS_PORT, *REDIS_PORTS)]},
            {
                "to": [
                    {"ipBlock": {"cidr": network, "except": [link_local]}}
                    for network, link_local in ALL_BUT_LINK_LOCAL.items()
                ],
                "ports": _tcp(80, 443),
            },
        ],
    }
    return _object("networking.k8s.io/v1", "NetworkPolicy", part, _own_name(part), spec)


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]
