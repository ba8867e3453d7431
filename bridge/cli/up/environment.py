"""What the children of `up` are told: what the user set, what was made in its place, and where the parts are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from bridge.cli.errors import CannotStart
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE
from bridge.destinations.signatures import derived_secret
from bridge.settings import Settings

REACHING_OUT = ("RALLY_WORKSPACES", "OPERATOR_NOTIFY", "EGRESS_PROXY")
"""Settings that would lead a sandboxed bridge out of the sandbox."""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What the user set, in the environment or in `.env`; empty counts as unset, as in a copied `.env.example`."""

    values: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls) -> "UserSettings":
        """Read both as the children will: the environment wins, also with a variable that is empty."""
        both = {**dotenv_values(".env"), **os.environ}
        return cls({name: value for name, value in both.items() if value})

    def has(self, name: str) -> bool:
        return name in self.values or f"{name}_FILE" in self.values

    def value(self, name: str) -> str:
        """Give a value, from the file that its `_FILE` twin names if need be; empty where there is none."""
        if name in self.values or f"{name}_FILE" not in self.values:
            return self.values.get(name, "")
        file = Path(self.values[f"{name}_FILE"])
        try:
            return file.read_text().strip()
        except OSError as error:
            raise CannotStart(f"{name}_FILE names {file}, which can't be read: {error.strerror}.") from error


def require_rally(given: UserSettings) -> None:
    """Raise CannotStart when nothing says which Rally account to ask."""
    if not given.has("RALLY_API_KEY"):
        raise CannotStart(
            "RALLY_API_KEY is not set. Set it (or RALLY_API_KEY_FILE) in the environment or in .env to watch your"
            " Rally account; or try everything without an account: rally-bridge up --sandbox"
        )


def has_clients(given: UserSettings) -> bool:
    """Tell whether the user says who may call, so that no key is made."""
    return given.has("BRIDGE_API_KEYS") or given.has("BRIDGE_CLIENTS_FILE")


def of_bridge(
    given: UserSettings, made: Mapping[str, str], redis_url: str | None, *, sandbox_port: int | None
) -> Mapping[str, str]:
    """Return the environment of the API and the worker; without `sandbox_port` they call the real Rally."""
    settings = live(given, made, redis_url) if sandbox_port is None else sandboxed(given, made, redis_url, sandbox_port)
    return environment_with(settings)


def live(given: UserSettings, made: Mapping[str, str], redis_url: str | None) -> Mapping[str, str]:
    """Give the settings of a bridge that asks the real Rally: the user's, and what was made for what is missing."""
    settings = {name: made[name] for name in FOR_THE_BRIDGE if not given.has(name)}
    if has_clients(given):
        settings.pop("BRIDGE_API_KEYS", None)
    return settings if redis_url is None else settings | {"REDIS_URL": redis_url}


def sandboxed(given: UserSettings, made: Mapping[str, str], redis_url: str | None, port: int) -> Mapping[str, str]:
    """Give the settings of a bridge that asks the sandbox, whatever the user set for the real Rally."""
    closed = {name: "" for setting in REACHING_OUT for name in (setting, f"{setting}_FILE")}
    allowed = [given.value("EGRESS_ALLOW"), f"127.0.0.1:{port}"]
    return {
        **live(given, made, redis_url),
        **closed,
        "RALLY_API_KEY": made["SANDBOX_RALLY_KEY"],
        "RALLY_API_KEY_FILE": "",
        "RALLY_BASE_URL": f"http://127.0.0.1:{port}/rally/api/public/v1",
        "SLACK_BOT_TOKEN": made["SANDBOX_SLACK_TOKEN"],
        "SLACK_BOT_TOKEN_FILE": "",
        "SLACK_API_URL": f"http://127.0.0.1:{port}/slack/api",
        "EGRESS_ALLOW": ",".join(entry for entry in allowed if entry),
    }


def of_sandbox(made: Mapping[str, str], settings: Settings) -> Mapping[str, str]:
    """Return the settings of the sandbox: its key, and the secrets that its inbox verifies callbacks with."""
    secrets = [made["SANDBOX_CALLBACK_SECRETS"], *_client_secrets(settings)]
    return {
        "SANDBOX_RALLY_KEY": made["SANDBOX_RALLY_KEY"],
        "SANDBOX_CALLBACK_SECRETS": ",".join(secrets),
        "SANDBOX_SLACK_TOKEN": made["SANDBOX_SLACK_TOKEN"],
    }


def _client_secrets(settings: Settings) -> list[str]:
    """Derive the secrets that sign each client's callbacks that have no secret of their own."""
    names = dict.fromkeys(client.name for client in settings.clients)
    return [derived_secret(secret.reveal(), name) for secret in settings.callback_secrets for name in names]


def environment_with(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Add settings to our own environment."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **settings}  # logs are read while they grow
