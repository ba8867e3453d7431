"""The settings of the sandbox; its key has no default."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.sandbox.slack.state.identity import APP, TEAM, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The key and the rate limit of the simulated Rally, what Slack knows, and the secrets to verify callbacks with.

    The bridge's URL and one of its API keys are for the buttons on the inbox page; its URL and the secrets of the
    webhook are for Rally's pushes, its URL and Slack's signing secret for what people do in Slack.
    """

    rally_key: str = field(repr=False)
    callback_secrets: tuple[str, ...] = field(default=(), repr=False)
    slack_token: str = field(default="", repr=False)
    slack_signing_secret: str = field(default="", repr=False)
    slack_team: str = TEAM
    slack_app: str = APP
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    bridge_url: str = ""
    bridge_key: str = field(default="", repr=False)
    rate_limit: int = 600
    rate_window: int = 60
    """The length of a window of the rate limit, in seconds."""

    @property
    def slack(self) -> Identity:
        """The workspace and the app of the simulated Slack."""
        return Identity(
            team=self.slack_team,
            app=self.slack_app,
            token=self.slack_token,
            signing_secret=self.slack_signing_secret,
        )

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
            slack_signing_secret=environ.get("SANDBOX_SLACK_SIGNING_SECRET", "").strip(),
            slack_team=environ.get("SANDBOX_SLACK_TEAM", "").strip() or TEAM,
            slack_app=environ.get("SANDBOX_SLACK_APP", "").strip() or APP,
            bridge_url=environ.get("SANDBOX_BRIDGE_URL", "").strip(),
            bridge_key=environ.get("SANDBOX_BRIDGE_KEY", "").strip(),
            rate_limit=int(environ.get("SANDBOX_RATE_LIMIT") or 600),
            rate_window=int(environ.get("SANDBOX_RATE_WINDOW") or 60),
        )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))
