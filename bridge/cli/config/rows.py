"""The settings in effect as rows: key, value with secrets masked, and source."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pydantic.fields import FieldInfo

from bridge.destinations import describe, kind
from bridge.domain.clients import Client
from bridge.domain.destinations import Callback, ResolvedDestination
from bridge.domain.durations import duration, duration_text
from bridge.domain.secret import Secret
from bridge.domain.workspaces import Workspace
from bridge.settings import Settings
from bridge.settings.model import Variables
from bridge.settings.parsers import durations

DEFAULT = "default"
NOT_SET = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting; `source` is "default", "environment", or a file with a line."""

    key: str
    value: str
    source: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def rows_of(settings: Settings) -> list[Row]:
    """Return all settings: variables in the order of `.env.example`, then the tables of the configuration file."""
    return [
        *(_variable(settings, name, field) for name, field in Variables.model_fields.items()),
        *(row for each in settings.workspaces.values() for row in _workspace(settings, each)),
        *(row for name, each in settings.destinations.items() for row in _destination(settings, name, each)),
        *(
            row
            for client in settings.clients
            if client not in settings.bridge_api_keys
            for row in _client(settings, client)
        ),
    ]


def _row(settings: Settings, key: str, value: str) -> Row:
    place = settings.origin(key)
    return Row(key, value, DEFAULT if place is None else str(place))


def _variable(settings: Settings, name: str, field: FieldInfo) -> Row:
    parsers = {getattr(each, "func", None) for each in field.metadata}
    value = getattr(settings, name)
    is_span = bool(parsers & {duration, durations})
    return _row(settings, name.upper(), _text(value, is_span=is_span))


def _text(value: Any, *, is_span: bool = False) -> str:
    match value:
        case None | ():
            return NOT_SET
        case bool():
            return str(value).lower()
        case int() if is_span:
            return duration_text(value)
        case Client(name=name, admin=admin):
            return f"{name} (admin)" if admin else name
        case tuple():
            return ", ".join(_text(each, is_span=is_span) for each in value)
        case Secret() | _:
            return str(value)


def _workspace(settings: Settings, workspace: Workspace) -> Iterator[Row]:
    """Yield the values of a workspace, also those that it takes from a variable."""
    for key, variable, value in (
        ("key", "RALLY_API_KEY", workspace.key),
        ("base_url", "RALLY_BASE_URL", workspace.base_url),
        ("budget_share", "RALLY_BUDGET_SHARE", workspace.budget_share),
    ):
        name = f"workspaces.{workspace.name}.{key}"
        place = settings.origin(name) or settings.origin(variable)
        yield Row(name, str(value), DEFAULT if place is None else str(place))


def _destination(settings: Settings, name: str, destination: ResolvedDestination) -> Iterator[Row]:
    prefix = f"destinations.{name}"
    yield _row(settings, f"{prefix}.type", kind(destination))
    where = "channel" if kind(destination) == "slack" else "url"
    yield _row(settings, f"{prefix}.{where}", describe(destination))
    if isinstance(destination, Callback):
        secrets = {"secret": destination.secret} | {f"headers.{each}": v for each, v in destination.headers.items()}
        for key, value in secrets.items():
            if value is not None:
                yield _row(settings, f"{prefix}.{key}", str(value))


def _client(settings: Settings, client: Client) -> Iterator[Row]:
    prefix = f"clients.{client.name}"
    yield _row(settings, f"{prefix}.keys", f"{len(client.digests)} {'key' if len(client.digests) == 1 else 'keys'}")
    yield _row(settings, f"{prefix}.admin", _text(client.admin))
    for key, names in asdict(client.permissions).items():
        yield _row(settings, f"{prefix}.{key}", "all" if names is None else ", ".join(sorted(names)) or "none")
