"""Variables that the configuration file has replaced: each is refused with the lines to write instead."""

from collections.abc import Callable, Iterator, Mapping

from bridge.domain.clients import SHORTEST_KEY
from bridge.settings.parsers import NAME
from bridge.settings.problems import Problem, problem
from bridge.settings.sources.given import Given

_SLACK = "https://hooks.slack"


def replaced(given: Mapping[str, Given]) -> Iterator[Problem]:
    """Yield a problem for each of these variables that is set. The lines have placeholders instead of values."""
    for name, lines in LINES.items():
        for variable in (name, f"{name}_FILE"):
            if each := given.get(variable):
                instead = "\n".join(f"  {line}" for line in lines("" if variable != name else each.text))
                yield problem(each.place, variable, f"is no longer a setting. {_INSTEAD}\n{instead}")


_INSTEAD = "Write into the file that BRIDGE_CONFIG_FILE names (bridge.toml):"


def _workspaces(text: str) -> list[str]:
    return [
        line
        for entry in _entries(text)
        for line in (
            f"[workspaces.{_name(entry, ':')}]",
            'key_env = "…"  # a variable that holds the key; or key, or key_file',
            *(['base_url = "https://…"'] if "@" in entry else []),
        )
    ]


def _destinations(text: str) -> list[str]:
    return [
        line
        for entry in _entries(text)
        for line in (
            f"[destinations.{_name(entry, '=')}]",
            f'type = "{_type(entry.partition("=")[2])}"',
            'url_env = "…"  # a variable that holds the URL; or url, or url_file',
        )
    ]


def _type(address: str) -> str:
    return "slack_webhook" if address.startswith(("slack:", _SLACK)) else "callback"


def _clients(_: str) -> list[str]:
    return [
        "[clients.NAME]  # the tables of the old file, as they are; or let BRIDGE_CONFIG_FILE name that file",
        'keys = ["sha256:…"]',
    ]


def _entries(text: str) -> list[str]:
    """Split a list as the old variables were written; an empty one becomes one entry, which shows the new form."""
    return [part.strip() for part in text.split(",") if part.strip()] or [""]


def _name(entry: str, mark: str) -> str:
    """Return the name of an entry; NAME if it has none, or if the text in its place may be a key."""
    name, found, _ = entry.partition(mark)
    return name if found and NAME.fullmatch(name) and len(name) < SHORTEST_KEY else "NAME"


LINES: Mapping[str, Callable[[str], list[str]]] = {
    "RALLY_WORKSPACES": _workspaces,
    "NAMED_DESTINATIONS": _destinations,
    "BRIDGE_CLIENTS_FILE": _clients,
}
