"""The environment of the children of `up`: the user's settings, generated secrets, and addresses of the other parts."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.checked_settings import all_problems
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE, FOR_THE_SANDBOX
from bridge.cli.up.ports import LAST_PORT
from bridge.destinations.callback_signing import derived_secret
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.settings.api_keys import key_entries
from bridge.settings.file.document import Document, read_document
from bridge.settings.loading import draft_settings
from bridge.settings.sources.variables import read_secret_file, read_variables

OUTBOUND_SETTINGS = ("EGRESS_PROXY", "RALLY_PROXY", "OPERATOR_HEARTBEAT_URL")
"""Settings that would lead a sandboxed bridge out of the sandbox. What goes to destinations is diverted to it."""
CONFIG_FILE = "bridge.toml"
"""The configuration file in a data directory, if BRIDGE_CONFIG_FILE names no other."""


WITHOUT_RALLY = "To try everything without a Rally account: rally-bridge up --sandbox"


@dataclass(frozen=True, slots=True)
class UserSettings:
    """Variables set in the environment or in `.env`; empty ones count as unset, as in a copy of `.env.example`.

    `tables` are those of the configuration file. With `unreadable` sources, variables and tables may be missing.
    """

    values: Mapping[str, str] = field(repr=False)
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    config_file: str = ""
    """The configuration file of the data directory, if it is used."""
    unreadable: bool = False

    @classmethod
    def read(cls, data_dir: Path | None = None) -> "UserSettings":
        """Read all sources as the children will; `data_dir` may have a configuration file."""
        given = read_variables(os.environ, ".env")
        values = {name: each.text for name, each in given.values.items()}
        found = None if data_dir is None else (data_dir / CONFIG_FILE).absolute()
        config_file = str(found) if found and found.is_file() and "BRIDGE_CONFIG_FILE" not in values else ""
        path = values.get("BRIDGE_CONFIG_FILE", config_file)
        document = _read_document(path) if path else Document()
        return cls(
            values,
            document.tables if document else {},
            config_file=config_file,
            unreadable=bool(given.problems) or document is None,
        )

    def has(self, name: str) -> bool:
        return name in self.values or f"{name}_FILE" in self.values

    def value(self, name: str) -> str:
        """Return a value, or the content of the file that `…_FILE` names; empty if there is none."""
        if name in self.values or f"{name}_FILE" not in self.values:
            return self.values.get(name, "")
        found, _ = read_secret_file(self.values[f"{name}_FILE"])
        return found.text if found else ""

    def slack_client(self) -> Mapping[str, Any]:
        """Return the ids of the Slack workspace that is a client, and of its app; empty if there is none."""
        tables = self.tables.get("clients")
        clients = tables.values() if isinstance(tables, dict) else ()
        found = (client["slack"] for client in clients if isinstance(client, dict) and "slack" in client)
        return next((each for each in found if isinstance(each, dict)), {})

    def has_table(self, section: str, name: str = "") -> bool:
        tables = self.tables.get(section)
        return isinstance(tables, dict) and bool(tables) and (not name or name in tables)


def _read_document(path: str) -> Document | None:
    """Return the configuration file; None if it can't be read, which is reported with the other problems."""
    with suppress(OSError):
        return read_document(path)[0]
    return None


def require_settings(user: UserSettings, *, sandbox_port: int | None) -> None:
    """Raise SettingsError with every problem of the settings, before anything is written.

    What `up` generates is generated here as well, and thrown away.
    """
    generated = {name: make() for name, make in {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX}.items()}
    redis_url = None if user.has("REDIS_URL") else "unix:///to-be-started"
    problems = all_problems(draft_settings(of_bridge(user, generated, redis_url, sandbox_port=sandbox_port)))
    if problems:
        needs_rally = sandbox_port is None and not has_rally(user)
        raise SettingsError([*problems, *([WITHOUT_RALLY] if needs_rally else [])])


def has_rally(user: UserSettings) -> bool:
    """Return whether there may be a key of a Rally account; an unreadable source may hold one."""
    return user.unreadable or user.has("RALLY_API_KEY") or user.has_table("workspaces", DEFAULT_WORKSPACE)


def has_clients(user: UserSettings) -> bool:
    """Return whether the user configured clients with keys, so that no API key is generated."""
    tables = user.tables.get("clients")
    clients = tables.values() if isinstance(tables, dict) else ()
    return user.has("BRIDGE_API_KEYS") or any(not isinstance(each, dict) or "slack" not in each for each in clients)


def client_key(user: UserSettings, generated: Mapping[str, str]) -> str | None:
    """Return the key of the first client; None if only its digest is known."""
    if not has_clients(user):
        return key_entries(generated["BRIDGE_API_KEYS"])[0].key
    return next((entry.key for entry in key_entries(user.value("BRIDGE_API_KEYS"))), None)


def of_bridge(
    user: UserSettings, generated: Mapping[str, str], redis_url: str | None, *, sandbox_port: int | None
) -> Mapping[str, str]:
    """Return the environment of the API and the worker; without `sandbox_port` they call the real Rally."""
    settings = (
        live(user, generated, redis_url)
        if sandbox_port is None
        else sandboxed(user, generated, redis_url, sandbox_port)
    )
    return environment_with(settings)


def with_worker_metrics(env: Mapping[str, str], user: UserSettings, port: int) -> Mapping[str, str]:
    """Add the port of the worker's metrics, unless the user has set one or it would be too large a number."""
    if user.has("WORKER_METRICS_PORT") or port > LAST_PORT:
        return env
    return {**env, "WORKER_METRICS_PORT": str(port)}


def live(user: UserSettings, generated: Mapping[str, str], redis_url: str | None) -> Mapping[str, str]:
    """Return the settings to add for a bridge that calls the real Rally: the secrets that the user did not set."""
    settings = {name: generated[name] for name in FOR_THE_BRIDGE if not user.has(name)}
    if has_clients(user):
        settings.pop("BRIDGE_API_KEYS", None)
    if user.config_file:
        settings["BRIDGE_CONFIG_FILE"] = user.config_file
    return settings if redis_url is None else settings | {"REDIS_URL": redis_url}


def sandboxed(user: UserSettings, generated: Mapping[str, str], redis_url: str | None, port: int) -> Mapping[str, str]:
    """Return the settings to add for a bridge that calls the sandbox, whatever the user set for the real Rally."""
    closed = {name: "" for setting in OUTBOUND_SETTINGS for name in (setting, f"{setting}_FILE")}
    sandbox = f"http://127.0.0.1:{port}"
    return {
        **live(user, generated, redis_url),
        **closed,
        "RALLY_API_KEY": generated["SANDBOX_RALLY_KEY"],
        "RALLY_API_KEY_FILE": "",
        "RALLY_BASE_URL": f"{sandbox}/rally/api/public/v1",
        "RALLY_SANDBOX": sandbox,
        "RALLY_WEBHOOK_SECRETS": generated["SANDBOX_WEBHOOK_SECRETS"],
        "RALLY_WEBHOOK_SECRETS_FILE": "",
        "SLACK_BOT_TOKEN": generated["SANDBOX_SLACK_TOKEN"],
        "SLACK_BOT_TOKEN_FILE": "",
        "SLACK_API_URL": "",
        "SLACK_SIGNING_SECRET": generated["SANDBOX_SLACK_SIGNING_SECRET"] if user.slack_client() else "",
        "SLACK_SIGNING_SECRET_FILE": "",
        "EGRESS_SANDBOX": sandbox,
        "OTEL_SDK_DISABLED": "true",  # traces would leave the machine
    }


def of_sandbox(user: UserSettings, generated: Mapping[str, str], settings: Settings, api: str) -> Mapping[str, str]:
    """Return the settings of the sandbox: its keys, the secrets that verify callbacks, and access to the API."""
    secrets = [generated["SANDBOX_CALLBACK_SECRETS"], *_client_secrets(settings)]
    return {
        "SANDBOX_RALLY_KEY": generated["SANDBOX_RALLY_KEY"],
        "SANDBOX_CALLBACK_SECRETS": ",".join(secrets),
        "SANDBOX_SLACK_TOKEN": generated["SANDBOX_SLACK_TOKEN"],
        **_of_slack(user, generated),
        "SANDBOX_WEBHOOK_SECRETS": generated["SANDBOX_WEBHOOK_SECRETS"],
        "SANDBOX_BRIDGE_URL": api,
        "SANDBOX_BRIDGE_KEY": client_key(user, generated) or "",
    }


def _of_slack(user: UserSettings, generated: Mapping[str, str]) -> Mapping[str, str]:
    """Return what the simulated Slack knows of the app; nothing if no client is a Slack workspace."""
    slack = user.slack_client()
    if not slack:
        return {}
    return {
        "SANDBOX_SLACK_SIGNING_SECRET": generated["SANDBOX_SLACK_SIGNING_SECRET"],
        "SANDBOX_SLACK_TEAM": str(slack.get("team", "")),
        "SANDBOX_SLACK_APP": str(slack.get("app", "")),
    }


def _client_secrets(settings: Settings) -> list[str]:
    """Derive the secrets that sign the callbacks of clients and rules that have no secret of their own."""
    names = dict.fromkeys([*(client.name for client in settings.clients), *(rule.client for rule in settings.rules)])
    return [derived_secret(secret.reveal(), name) for secret in settings.callback_secrets for name in names]


def environment_with(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return our own environment with settings added."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **settings}  # unbuffered, as logs are followed
