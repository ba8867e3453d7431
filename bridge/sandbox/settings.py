"""The settings of the sandbox; its key has no default."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The key and the rate limit of the simulated Rally, Slack's token, and the secrets to verify callbacks with.

    The bridge's URL and one of its API keys are for the buttons on the inbox page; its URL and the secrets of the
    webhook are for Rally's pushes.
    """

    rally_key: str = field(repr=False)
    callback_secrets: tuple[str, ...] = field(default=(), repr=False)
    slack_token: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    bridge_url: str = ""
    bridge_key: str = field(default="", repr=False)
    rate_limit: int = 600
    rate_window: int = 60
    """The length of a window of the rate limit, in seconds."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "SandboxSettings":
        """Read SANDBOX_RALLY_KEY (required) and the other variables whose names begin with SANDBOX_."""
        key = environ.get("SANDBOX_RALLY_KEY", "").strip()
        if not key:
            raise SystemExit("SANDBOX_RALLY_KEY is required: the API key of the simulated Rally")
        return cls(
            rally_key=key,
            callback_secrets=_parts(environ.get("SANDBOX_CALLBACK_SECRETS", "")),
            webhook_secrets=_parts(environ.get("SANDBOX_WEBHOOK_SECRETS", "")),
            slack_token=environ.get("SANDBOX_SLACK_TOKEN", "").strip(),
            bridge_url=environ.get("SANDBOX_BRIDGE_URL", "").strip(),
            bridge_key=environ.get("SANDBOX_BRIDGE_KEY", "").strip(),
            rate_limit=int(environ.get("SANDBOX_RATE_LIMIT") or 600),
            rate_window=int(environ.get("SANDBOX_RATE_WINDOW") or 60),
        )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))
