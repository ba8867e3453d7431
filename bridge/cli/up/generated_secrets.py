"""The secrets that `up` generates on its first run and stores in its data directory."""

import secrets
from collections.abc import Callable, Mapping

from cryptography.fernet import Fernet
from dotenv import dotenv_values

from bridge.cli.errors import CannotStart
from bridge.cli.up.data_dir import DataDir, write_private
from bridge.domain.callback_secrets import encode_secret

CLIENT = "local"
MODE = "RALLY_BRIDGE_MODE"
LIVE = "live"
SANDBOX = "sandbox"

Recipe = Callable[[], str]


def _api_key() -> str:
    return f"{CLIENT}:rbk_{secrets.token_urlsafe(32)}:admin"


def _fernet_key() -> str:
    return Fernet.generate_key().decode()


def _signing_secret() -> str:
    return encode_secret(secrets.token_bytes(32))


def _sandbox_key() -> str:
    return f"sandbox_{secrets.token_urlsafe(24)}"


def _bot_token() -> str:
    return f"xoxb-sandbox-{secrets.token_hex(16)}"


def _slack_signing_secret() -> str:
    return secrets.token_hex(16)


FOR_THE_BRIDGE: Mapping[str, Recipe] = {
    "BRIDGE_API_KEYS": _api_key,
    "BRIDGE_ENCRYPTION_KEYS": _fernet_key,
    "CALLBACK_SECRETS": _signing_secret,
}
FOR_THE_SANDBOX: Mapping[str, Recipe] = {
    "SANDBOX_RALLY_KEY": _sandbox_key,
    "SANDBOX_CALLBACK_SECRETS": _signing_secret,
    "SANDBOX_SLACK_TOKEN": _bot_token,
    "SANDBOX_SLACK_SIGNING_SECRET": _slack_signing_secret,
    "SANDBOX_WEBHOOK_SECRETS": _signing_secret,
}


def load(data: DataDir) -> Mapping[str, str]:
    """Return the stored secrets and the mode; empty before the first run."""
    return {name: value for name, value in dotenv_values(data.secrets, interpolate=False).items() if value}


def load_or_generate(data: DataDir, *, sandbox: bool) -> Mapping[str, str]:
    """Return the stored secrets, after generating those that are missing.

    Raises CannotStart if they belong to the other mode: imports of the sandbox do not exist in the real Rally, and vice
    versa.
    """
    mode = SANDBOX if sandbox else LIVE
    saved = load(data)
    if saved.get(MODE, mode) != mode:
        raise CannotStart(
            f"The data directory {data.path} belongs to a {saved[MODE]} bridge, and this one would be {mode}."
            " Name another with --data-dir."
        )
    recipes = {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX} if sandbox else FOR_THE_BRIDGE
    complete = {MODE: mode, **saved, **{name: make() for name, make in recipes.items() if name not in saved}}
    if complete != saved:
        write_private(data.secrets, "".join(f"{name}={value}\n" for name, value in complete.items()))
    return complete
