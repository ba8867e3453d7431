"""The settings as values. `.env.example` names each variable with its default.

A variable that holds a secret has a `…_FILE` twin.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bridge.domain.clients import Client
from bridge.domain.destinations import ResolvedDestination
from bridge.domain.durations import duration
from bridge.domain.rules.rules import Rule
from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import SentinelLogin
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Span
from bridge.domain.workspaces import Workspace
from bridge.settings import api_keys, parsers
from bridge.settings.problems import ENVIRONMENT, Place, Problem, problem

SECRETS = (
    "redis_url",
    "redis_sentinel_username",
    "redis_sentinel_password",
    "rally_api_key",
    "rally_proxy",
    "rally_webhook_secrets",
    "bridge_api_keys",
    "bridge_encryption_keys",
    "callback_secrets",
    "callback_ed25519_keys",
    "slack_bot_token",
    "slack_signing_secret",
    "operator_heartbeat_url",
    "egress_proxy",
)
"""The variables that may be read from files."""

Duration: TypeAlias = Annotated[Span, BeforeValidator(duration)]
Port: TypeAlias = Annotated[int, Field(ge=0, le=65_535)]
"""A TCP port; 0 for none."""


class Variables(BaseModel):
    """The settings that are variables, named like them in lower case. Durations are in milliseconds."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    redis_url: Annotated[Secret, BeforeValidator(parsers.redis_url)]
    redis_url_file: Path | None = None
    """The file that `redis_url` was read from; it is read again if Redis refuses the credentials."""
    redis_sentinel_username: Annotated[Secret | None, BeforeValidator(parsers.visible)] = None
    redis_sentinel_password: Annotated[Secret | None, BeforeValidator(parsers.visible)] = None
    """The login of the sentinels that `redis_url` may name; those of Redis are in the URL."""
    redis_min_replicas: Annotated[int, Field(ge=0)] = 0
    redis_may_evict: bool = False
    bridge_config_file: str | None = None
    rally_api_key: Annotated[Secret | None, BeforeValidator(parsers.visible)] = None
    """The key of the workspace `default`, unless the configuration file has it."""
    rally_base_url: Annotated[str, BeforeValidator(parsers.base_url)] = "https://api.rallyuxr.com/api/public/v1"
    rally_budget_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    rally_sandbox: Annotated[str | None, BeforeValidator(parsers.base_url)] = None
    """The sandbox that replaces Rally in every workspace, with `rally_api_key` and `rally_webhook_secrets`."""
    rally_proxy: Annotated[Secret | None, BeforeValidator(parsers.proxy_url)] = None
    rally_webhook_secrets: Annotated[tuple[Secret, ...], BeforeValidator(parsers.webhook_secrets)] = ()
    """The secrets of the pushes to the workspace `default`, unless the configuration file has them."""
    rally_import_url: Annotated[str | None, BeforeValidator(parsers.import_url)] = None
    """The template of links to imports of the workspace `default`, unless the configuration file has it."""
    poll_floor: Duration = 3 * SECOND
    poll_ceiling: Duration = 60 * SECOND
    poll_growth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    poll_lease: Duration = 15 * SECOND
    not_found_grace: Duration = 10 * MINUTE
    watch_expiry: Duration = 24 * HOUR
    reading_reuse: Duration = 5 * MINUTE
    bridge_api_keys: Annotated[tuple[Client, ...], BeforeValidator(api_keys.from_keys)] = ()
    bridge_encryption_keys: Annotated[tuple[Secret, ...], BeforeValidator(parsers.fernet_keys)]
    callback_secrets: Annotated[tuple[Secret, ...], BeforeValidator(parsers.callback_secrets)]
    client_rate_limit: Annotated[int, Field(ge=1)] = 600
    callback_ed25519_keys: Annotated[tuple[Secret, ...], BeforeValidator(parsers.secrets)] = ()
    slack_bot_token: Annotated[Secret | None, BeforeValidator(parsers.bot_token)] = None
    slack_signing_secret: Annotated[tuple[Secret, ...], BeforeValidator(parsers.signing_secrets)] = ()
    """The secrets of the Slack app, newest first: Slack signs its requests with one of them."""
    slack_api_url: Annotated[str, BeforeValidator(parsers.base_url)] = "https://slack.com/api"
    slack_show_emails: bool = False
    slack_at_most_once: bool = False
    slack_records_users: Annotated[tuple[str, ...], BeforeValidator(parsers.slack_users)] = ()
    """The Slack users who may read failed records in Slack, unless the configuration file has them."""
    operator_notify: str | None = None
    operator_heartbeat_url: Annotated[Secret | None, BeforeValidator(parsers.secret_url)] = None
    egress_allow: Annotated[tuple[str, ...], BeforeValidator(lambda text: tuple(parsers.parts(text)))] = ()
    egress_proxy: Annotated[Secret | None, BeforeValidator(parsers.proxy_url)] = None
    egress_ca_file: str | None = None
    egress_sandbox: str | None = None
    delivery_schedule: Annotated[tuple[Span, ...], BeforeValidator(parsers.durations), Field(min_length=1)] = (
        parsers.durations("2s,5s,15s,1m,5m,30m,2h,5h,10h,24h")
    )
    delivery_max_age: Duration = 72 * HOUR
    bridge_retention: Duration = 30 * DAY
    http_keep_alive: Duration = 75 * SECOND
    metrics_host: str = "127.0.0.1"
    """The address at which `metrics_port` and `worker_metrics_port` are opened."""
    metrics_port: Port = 0
    worker_metrics_port: Port = 0
    worker_alive_file: str | None = None
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(parsers.origins)] = ()
    bridge_console: bool = True
    access_log: Annotated[Literal["off", "errors", "all"], BeforeValidator(str.lower)] = "errors"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"


_OF_VARIABLES = {
    "key": "RALLY_API_KEY",
    "base_url": "RALLY_BASE_URL",
    "budget_share": "RALLY_BUDGET_SHARE",
    "webhook_secrets": "RALLY_WEBHOOK_SECRETS",
    "import_url": "RALLY_IMPORT_URL",
}
_OF_SANDBOX = {
    "key": "RALLY_API_KEY",
    "base_url": "RALLY_SANDBOX",
    "webhook_secrets": "RALLY_WEBHOOK_SECRETS",
}
"""For each key of a workspace: the variable that its value comes from."""


class Settings(Variables):
    """All settings: the variables, and the tables of `bridge.toml`: workspaces, destinations, clients and rules."""

    workspaces: Mapping[str, Workspace] = {}
    """The workspaces by name; `default` is among them."""
    destinations: Mapping[str, ResolvedDestination] = {}
    """The named destinations."""
    clients: tuple[Client, ...] = ()
    """A client of BRIDGE_API_KEYS occurs once for each of its keys."""
    records_users: frozenset[str] = frozenset()
    """The ids of the Slack users who may read failed records in Slack."""
    rules: tuple[Rule, ...] = ()
    """The rules in the order of the file; the first that matches an import tells it to a destination."""

    @property
    def sentinel_login(self) -> SentinelLogin:
        return SentinelLogin(user=self.redis_sentinel_username, password=self.redis_sentinel_password)

    @property
    def slack_client(self) -> Client | None:
        """The client that is a Slack workspace; at most one is."""
        return next((client for client in self.clients if client.slack is not None), None)

    origins: Mapping[str, Place] = Field({}, repr=False)
    """Where each setting comes from, by its key, such as POLL_FLOOR or workspaces.eu.key; defaults are left out."""

    def problem(self, key: str, text: str) -> Problem:
        """Word a problem of a setting with its place."""
        return problem(self.place(key), key, text)

    def workspace_key(self, name: str, key: str) -> str:
        """Return the setting that a workspace's value comes from: of its table, or a variable."""
        if self.rally_sandbox is not None and key in _OF_SANDBOX:
            return _OF_SANDBOX[key]
        in_file = [f"workspaces.{name}.{key}{form}" for form in ("", "_file", "_env")]
        return next((each for each in in_file if each in self.origins), _OF_VARIABLES[key])

    def named(self, key: str) -> str:
        """Return a setting with its place, for remedies: `workspaces.eu.key (bridge.toml:3)`."""
        place = self.place(key)
        return key if place == ENVIRONMENT else f"{key} ({place})"

    def place(self, key: str) -> Place:
        """Return the place that a setting comes from: that of its key, or else of the closest table around it."""
        around = key
        while (place := self.origin(around)) is None and "." in around:
            around = around.rpartition(".")[0]
        return place or ENVIRONMENT

    def origin(self, key: str) -> Place | None:
        """Return where a setting is set; None if it has its default."""
        names = [key, f"{key}_file", f"{key}_env"]
        return next((self.origins[name] for name in names if name in self.origins), None)
