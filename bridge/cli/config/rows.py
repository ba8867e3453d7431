"""The settings in effect as rows: key, value with secrets masked, and source."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pydantic.fields import FieldInfo

from bridge.cli.config.rule_values import mention_text, rule_values
from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.domain.clients import Client
from bridge.domain.destinations import Callback, ResolvedDestination, SlackChannel
from bridge.domain.durations import duration, duration_text
from bridge.domain.rules.rules import Rule
from bridge.domain.secret import Secret
from bridge.domain.workspaces import Workspace
from bridge.settings import Settings
from bridge.settings.model import Variables
from bridge.settings.parsers import durations
from bridge.settings.problems import ENVIRONMENT
from bridge.settings.slack_app import RECORDS_USERS

DEFAULT = "default"
UP = "rally-bridge up"
NOT_SET = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting; `source` is "default", "environment", "rally-bridge up", or a file with a line."""

    key: str
    value: str
    source: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def rows_of(settings: Settings, set_by_up: frozenset[str] = frozenset()) -> list[Row]:
    """Return all settings: variables in the order of `.env.example`, then the tables of the configuration file.

    `set_by_up` are the variables of the environment that `rally-bridge up` sets.
    """
    rows = _Rows(settings, set_by_up)
    clients = [client for client in settings.clients if client not in settings.bridge_api_keys]
    return [
        *(rows.variable(name, field) for name, field in Variables.model_fields.items()),
        *(row for each in settings.workspaces.values() for row in rows.workspace(each)),
        *(row for name, each in settings.destinations.items() for row in rows.destination(name, each)),
        *(row for client in clients for row in rows.client(client)),
        *rows.slack(),
        *(row for rule in settings.rules for row in rows.rule(rule)),
    ]


@dataclass(frozen=True, slots=True)
class _Rows:
    settings: Settings
    set_by_up: frozenset[str]

    def variable(self, name: str, field: FieldInfo) -> Row:
        parsers = {getattr(each, "func", None) for each in field.metadata}
        is_span = bool(parsers & {duration, durations})
        return self._row(name.upper(), _text(getattr(self.settings, name), is_span=is_span))

    def workspace(self, workspace: Workspace) -> Iterator[Row]:
        """Yield the values of a workspace, also those that it takes from a variable."""
        values: dict[str, Any] = {
            "key": workspace.key,
            "base_url": workspace.base_url,
            "budget_share": workspace.budget_share,
        }
        if workspace.webhook_secrets:
            values["webhook_secrets"] = workspace.webhook_secrets
        if workspace.import_url is not None:
            values["import_url"] = workspace.import_url
        for key, value in values.items():
            source = self._source(self.settings.workspace_key(workspace.name, key))
            yield Row(f"workspaces.{workspace.name}.{key}", _text(value), source)

    def destination(self, name: str, destination: ResolvedDestination) -> Iterator[Row]:
        prefix = f"destinations.{name}"
        yield self._row(f"{prefix}.type", kind(destination))
        where = "channel" if kind(destination) == "slack" else "url"
        yield self._row(f"{prefix}.{where}", describe(destination))
        if not isinstance(destination, Callback):
            if destination.mention is not None:
                yield self._row(f"{prefix}.mention", mention_text(destination.mention))
            if isinstance(destination, SlackChannel) and destination.live is not None:
                yield self._row(f"{prefix}.live", f"yes; end = {destination.live.value}")
        else:
            secrets = {"secret": destination.secret} | {f"headers.{each}": v for each, v in destination.headers.items()}
            for key, value in secrets.items():
                if value is not None:
                    yield self._row(f"{prefix}.{key}", str(value))

    def client(self, client: Client) -> Iterator[Row]:
        prefix = f"clients.{client.name}"
        count = len(client.digests)
        yield self._row(f"{prefix}.keys", f"{count} {'key' if count == 1 else 'keys'}")
        yield self._row(f"{prefix}.admin", _text(client.admin))
        if client.slack is not None:
            yield self._row(f"{prefix}.slack", f"{client.slack.team}, {client.slack.app}")
        for key, names in asdict(client.permissions).items():
            yield self._row(f"{prefix}.{key}", "all" if names is None else ", ".join(sorted(names)) or "none")

    def slack(self) -> Iterator[Row]:
        """Yield the values of the table `[slack]`."""
        if self.settings.origin(RECORDS_USERS) is not None:
            yield self._row(RECORDS_USERS, ", ".join(sorted(self.settings.records_users)) or "none")

    def rule(self, rule: Rule) -> Iterator[Row]:
        prefix = f"rules.{rule.name}"
        for key, value in rule_values(rule).items():
            yield self._row(f"{prefix}.{key}", value)

    def _row(self, key: str, value: str) -> Row:
        return Row(key, value, self._source(key))

    def _source(self, key: str) -> str:
        place = self.settings.origin(key)
        if place == ENVIRONMENT and key in self.set_by_up:
            return UP
        return DEFAULT if place is None else str(place)


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
