"""The environment of the children of `up`: the user's settings, generated secrets, and addresses of the other parts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from bridge.cli.errors import CannotStart
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE
from bridge.destinations.signatures import derived_secret
from bridge.settings import Settings
from bridge.settings.client_config import key_entries

OUTBOUND_SETTINGS = ("RALLY_WORKSPACES", "EGRESS_PROXY")
"""Settings that would lead a sandboxed bridge out of the sandbox. What goes to destinations is diverted to it."""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """Variables set in the environment or in `.env`; empty ones count as unset, as in a copy of `.env.example`."""

    values: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls) -> "UserSettings":
        """Read both as the children will: the environment takes precedence, even with an empty variable."""
        both = {**dotenv_values(".env"), **os.environ}
        return cls({name: value for name, value in both.items() if value})

    def has(self, name: str) -> bool:
        return name in self.values or f"{name}_FILE" in self.values

    def value(self, name: str) -> str:
        """Return a value, or the content of the file that `…_FILE` names; empty if neither is set."""
        if name in self.values or f"{name}_FILE" not in self.values:
            return self.values.get(name, "")
        file = Path(self.values[f"{name}_FILE"])
        try:
            return file.read_text().strip()
        except OSError as error:
            raise CannotStart(f"{name}_FILE names {file}, which can't be read: {error.strerror}.") from error


def require_rally(user: UserSettings) -> None:
    """Raise CannotStart if there is no key of a Rally account."""
    if not user.has("RALLY_API_KEY"):
        raise CannotStart(
            "RALLY_API_KEY is not set. Set it (or RALLY_API_KEY_FILE) in the environment or in .env to watch your"
            " Rally account; or try everything without an account: rally-bridge up --sandbox"
        )


def has_clients(user: UserSettings) -> bool:
    """Return whether the user configured clients, so that no API key is generated."""
    return user.has("BRIDGE_API_KEYS") or user.has("BRIDGE_CLIENTS_FILE")


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


def live(user: UserSettings, generated: Mapping[str, str], redis_url: str | None) -> Mapping[str, str]:
    """Return the settings to add for a bridge that calls the real Rally: the secrets that the user did not set."""
    settings = {name: generated[name] for name in FOR_THE_BRIDGE if not user.has(name)}
    if has_clients(user):
        settings.pop("BRIDGE_API_KEYS", None)
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
        "SLACK_BOT_TOKEN": generated["SANDBOX_SLACK_TOKEN"],
        "SLACK_BOT_TOKEN_FILE": "",
        "SLACK_API_URL": "",
        "EGRESS_SANDBOX": sandbox,
    }


def of_sandbox(user: UserSettings, generated: Mapping[str, str], settings: Settings, api: str) -> Mapping[str, str]:
    """Return the settings of the sandbox: its key, the secrets that verify callbacks, and access to the API."""
    secrets = [generated["SANDBOX_CALLBACK_SECRETS"], *_client_secrets(settings)]
    return {
        "SANDBOX_RALLY_KEY": generated["SANDBOX_RALLY_KEY"],
        "SANDBOX_CALLBACK_SECRETS": ",".join(secrets),
        "SANDBOX_SLACK_TOKEN": generated["SANDBOX_SLACK_TOKEN"],
        "SANDBOX_BRIDGE_URL": api,
        "SANDBOX_BRIDGE_KEY": client_key(user, generated) or "",
    }


def _client_secrets(settings: Settings) -> list[str]:
    """Derive the secrets that sign each client's callbacks that have no secret of their own."""
    names = dict.fromkeys(client.name for client in settings.clients)
    return [derived_secret(secret.reveal(), name) for secret in settings.callback_secrets for name in names]


def environment_with(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return our own environment with settings added."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **settings}  # unbuffered, as logs are followed
