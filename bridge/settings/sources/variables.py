"""The variables of a process: the environment over `.env`, with the contents of the files that `…_FILE` names."""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bridge.settings.parsers import is_quoted
from bridge.settings.problems import ENVIRONMENT, Place, Problem, problem, why_unreadable
from bridge.settings.sources.env_file import EnvFile, read_env_file
from bridge.settings.sources.given import Given


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
