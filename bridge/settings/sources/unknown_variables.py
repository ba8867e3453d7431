"""Variables that are none of ours: misspelt ones are problems, those of other programs are left alone."""

from collections.abc import Iterator, Mapping

from bridge.settings.problems import Problem, problem
from bridge.settings.sources.given import Given
from bridge.settings.sources.spelling import nearest

OTHER_NAMES = frozenset(
    {
        *("RALLY_BRIDGE_URL", "RALLY_BRIDGE_KEY", "RALLY_BRIDGE_KEY_FILE", "RALLY_BRIDGE_MODE", "RALLY_BRIDGE_COMMIT"),
        *("SANDBOX_RALLY_KEY", "SANDBOX_CALLBACK_SECRETS", "SANDBOX_SLACK_TOKEN", "SANDBOX_PUBLISH"),
        *("SANDBOX_BRIDGE_URL", "SANDBOX_BRIDGE_KEY", "SANDBOX_RATE_LIMIT", "SANDBOX_RATE_WINDOW"),
        *("BRIDGE_PUBLISH", "PYTHON_DIGEST", "VALKEY_DIGEST"),
    }
)
"""The variables of the client, the sandbox and docker-compose.yml."""
OWN_PREFIXES = ("RALLY_", "BRIDGE_", "POLL_", "EGRESS_", "DELIVERY_", "CALLBACK_")
_KUBERNETES = ("tcp://", "udp://", "sctp://")
"""The values that Kubernetes sets for each service: https://kubernetes.io/docs/concepts/services-networking/service/"""


def misspelt(
    given: Mapping[str, Given], known: frozenset[str], referred: frozenset[str]
) -> Iterator[tuple[str, Problem]]:
    """Yield each variable whose name is nearly one of ours, with the problem; `referred` are named in the file."""
    for name, each in given.items():
        meant = nearest(name.upper(), known) if _is_foreign(name, each, known | referred) else None
        if meant is not None:
            yield name, problem(each.place, name, f"is not a setting; did you mean {meant}?")


def unknown_names(given: Mapping[str, Given], known: frozenset[str], referred: frozenset[str]) -> list[str]:
    """Return the variables that begin like ours but are none; they may belong to another program."""
    return sorted(
        name
        for name, each in given.items()
        if name.startswith(OWN_PREFIXES) and _is_foreign(name, each, known | referred)
    )


def _is_foreign(name: str, given: Given, known: frozenset[str]) -> bool:
    return name not in known | OTHER_NAMES and not _is_from_kubernetes(name, given.text)


def _is_from_kubernetes(name: str, text: str) -> bool:
    service = name.endswith(("_SERVICE_HOST", "_SERVICE_PORT", "_PORT")) or "_SERVICE_PORT_" in name or "_PORT_" in name
    return service or text.startswith(_KUBERNETES)
