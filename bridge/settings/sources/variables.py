"""The variables of a process: the environment over `.env`, with the contents of the files that `…_FILE` names."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bridge.settings.parsers import is_quoted
from bridge.settings.problems import ENVIRONMENT, Place, Problem, problem, why_unreadable
from bridge.settings.sources.env_file import EnvFile, read_env_file
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


def read_variables(environ: Mapping[str, str], env_file: str | None) -> EnvFile:
    """Return all variables that are not empty. An empty variable of the environment hides that of `.env`."""
    found = read_env_file(env_file) if env_file else EnvFile()
    given = {**found.values, **{name: Given(text, ENVIRONMENT) for name, text in environ.items()}}
    return replace(
        found,
        values={name: each for name, each in given.items() if each.text},
        empty={name: each.place for name, each in given.items() if not each.text},
    )


def own_values(
    given: Mapping[str, Given], names: Iterable[str], secret_names: frozenset[str]
) -> tuple[dict[str, Given], list[Problem], frozenset[str]]:
    """Return our variables among the given ones, the problems of reading them, and the names that have one."""
    values: dict[str, Given] = {}
    problems: dict[str, Problem] = {}
    for name in names:
        twin = given.get(f"{name}_FILE") if name in secret_names else None
        found = given.get(name)
        if found and twin:
            problems[name] = problem(twin.place, f"{name} and {name}_FILE", "set only one of the two")
        elif twin:
            found, reason = read_secret_file(twin.text)
            if reason:
                problems[name] = problem(twin.place, f"{name}_FILE", reason)
        if found and is_quoted(found.text):
            problems[name] = problem(found.place, name, QUOTED)
        elif found:
            values[name] = found
    return (
        {name: each for name, each in values.items() if name not in problems},
        [*problems.values()],
        frozenset(problems),
    )


LARGEST_SECRET = 1024 * 1024
"""The size in bytes that the file of a secret may have."""
QUOTED = "is enclosed in quotes, which would be part of the value; docker --env-file keeps them. Remove them"


def read_secret_file(path: str) -> tuple[Given | None, str | None]:
    """Return the content of a file that holds a secret, or why there is none.

    The path is not repeated: it may be the secret itself in the wrong variable.
    """
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return None, "names something that is not a file"  # a pipe without a writer would be waited for forever
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST_SECRET + 1)
        text = raw.decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        return None, f"names a file that can't be read ({why_unreadable(error)})"
    if len(raw) > LARGEST_SECRET:
        return None, "names a file that is larger than 1 MiB"
    return (Given(text, Place(path)), None) if text else (None, "names a file that is empty")


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
