"""The settings: read once at startup, with every problem reported at once.

`.env.example` names each variable with its default. A variable that holds a secret has a `…_FILE` twin.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bridge.domain.clients import Client
from bridge.domain.durations import duration
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import SettingsError
from bridge.settings import client_config, parsers
from bridge.validation_text import findings, sentence

SECRETS = (
    "redis_url",
    "rally_api_key",
    "rally_workspaces",
    "bridge_api_keys",
    "bridge_encryption_keys",
    "callback_secrets",
    "callback_ed25519_keys",
    "slack_bot_token",
    "named_destinations",
    "egress_proxy",
)
"""The variables that may be read from files."""

LONGEST_WATCH: Span = 30 * DAY

Duration: TypeAlias = Annotated[Span, BeforeValidator(duration)]


class Settings(BaseModel):
    """All settings; fields are named like their variables, in lower case. Durations are in milliseconds."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True, validate_default=False)

    redis_url: Annotated[Secret, BeforeValidator(parsers.redis_url)]
    redis_url_file: Path | None = None
    """The file that `redis_url` was read from; it is read again if Redis refuses the credentials."""
    redis_may_evict: bool = False
    rally_api_key: Annotated[Secret, BeforeValidator(parsers.bearer)]
    rally_base_url: Annotated[str, BeforeValidator(parsers.base_url)] = "https://api.rallyuxr.com/api/public/v1"
    rally_workspaces: Annotated[tuple[parsers.Workspace, ...], BeforeValidator(parsers.workspaces)] = ()
    rally_budget_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    poll_floor: Duration = 3 * SECOND
    poll_ceiling: Duration = 60 * SECOND
    poll_growth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    poll_lease: Duration = 15 * SECOND
    not_found_grace: Duration = 10 * MINUTE
    watch_expiry: Duration = 24 * HOUR
    reading_reuse: Duration = 5 * MINUTE
    bridge_api_keys: Annotated[tuple[Client, ...], BeforeValidator(client_config.from_keys)] = ()
    bridge_clients_file: Annotated[tuple[Client, ...], BeforeValidator(client_config.from_file)] = ()
    bridge_encryption_keys: Annotated[tuple[Secret, ...], BeforeValidator(parsers.fernet_keys)]
    callback_secrets: Annotated[tuple[Secret, ...], BeforeValidator(parsers.callback_secrets)]
    client_rate_limit: Annotated[int, Field(ge=1)] = 600
    callback_ed25519_keys: Annotated[tuple[Secret, ...], BeforeValidator(parsers.secrets)] = ()
    slack_bot_token: Annotated[Secret | None, BeforeValidator(parsers.bearer)] = None
    slack_api_url: Annotated[str, BeforeValidator(parsers.base_url)] = "https://slack.com/api"
    slack_show_emails: bool = False
    slack_at_most_once: bool = False
    named_destinations: Annotated[
        tuple[parsers.ConfiguredDestination, ...], BeforeValidator(parsers.named_destinations)
    ] = ()
    operator_notify: str | None = None
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
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"

    def cross_check(self) -> Iterator[str]:
        """Yield the problems of settings that are valid by themselves, but contradict others."""
        if self.poll_floor > self.poll_ceiling:
            yield "POLL_FLOOR must not be longer than POLL_CEILING"
        if self.watch_expiry > LONGEST_WATCH:
            yield "WATCH_EXPIRY must be at most 30d"
        if self.operator_notify and self.operator_notify not in {each.name for each in self.named_destinations}:
            yield "OPERATOR_NOTIFY must be one of the names of NAMED_DESTINATIONS"
        workspaces = {DEFAULT_WORKSPACE, *(workspace.name for workspace in self.rally_workspaces)}
        named = {each.name for each in self.named_destinations}
        for client in self.clients:
            for what, given, known in (
                ("workspaces", client.permissions.workspaces, workspaces),
                ("destinations", client.permissions.named, named),
            ):
                if unknown := sorted((given or frozenset()) - known):
                    names = ", ".join(unknown)
                    yield f"BRIDGE_API_KEYS, BRIDGE_CLIENTS_FILE: {client.name!r} names unknown {what}: {names}"
        if self.egress_sandbox and self.egress_proxy:
            yield "EGRESS_SANDBOX and EGRESS_PROXY: set only one of the two"
        duplicates = {each.name for each in self.bridge_api_keys} & {each.name for each in self.bridge_clients_file}
        if duplicates:
            names = ", ".join(sorted(duplicates))
            yield f"{names}: configured both in BRIDGE_API_KEYS and in BRIDGE_CLIENTS_FILE; use one of the two"

    @property
    def clients(self) -> tuple[Client, ...]:
        """The clients of both sources; a client of BRIDGE_API_KEYS occurs once for each of its keys."""
        return (*self.bridge_api_keys, *self.bridge_clients_file)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Self:
        """Read the environment, and `.env` in the current directory, over which the environment takes precedence.

        Raises SettingsError with every problem; its text has no secrets.
        """
        from_file = dotenv_values(env_file) if env_file else {}
        variables = {**from_file, **(os.environ if environ is None else environ)}
        # An empty variable counts as unset, but still overrides .env.
        values, problems = _read_variables(
            {name: value for name, value in variables.items() if value}, cls.model_fields
        )
        if not {"bridge_api_keys", "bridge_clients_file"} & values.keys():
            problems.append("BRIDGE_API_KEYS (or BRIDGE_API_KEYS_FILE, or BRIDGE_CLIENTS_FILE) is required")
        settings = None
        try:
            settings = cls.model_validate(values)
            problems += settings.cross_check()
        except ValidationError as error:
            problems += [_problem(finding) for finding in findings(error)]
        if settings is None or problems:
            raise SettingsError([problem for problem in problems if not _is_redundant(problem, problems)])
        return settings


def _read_variables(given: Mapping[str, str], fields: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the values of our variables, from files for `…_FILE` variables, and the problems of reading them."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for field in fields:
        name, twin = field.upper(), f"{field.upper()}_FILE"
        if given.get(name):
            values[field] = given[name]
        if field not in SECRETS or not given.get(twin):
            continue
        if field in values:
            problems.append(f"{name} and {twin}: set only one of the two")
            continue
        try:
            values[field] = Path(given[twin]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{twin}: {given[twin]!r} can't be read ({type(error).__name__})")
    return values, problems


_SENTENCES: Mapping[str, str] = {
    "bool_parsing": "must be true or false",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_parsing": "must be a whole number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "too_short": "must hold at least one",
}
"""By the type of pydantic's finding."""


def _problem(finding: ErrorDetails) -> str:
    """Return the sentence for a finding, with the name of its variable."""
    name = str(finding["loc"][0]).upper()
    if finding["type"] == "missing":
        also = f" (or {name}_FILE)" if name.lower() in SECRETS else ""
        return f"{name}{also} is required"
    return f"{name}: {sentence(finding, _SENTENCES)}"


def _is_redundant(problem: str, problems: list[str]) -> bool:
    """Return whether this is "X is required" although X's file could not be read, which is reported as well."""
    name = problem.partition(" ")[0]
    return problem.endswith("is required") and any(other.startswith(f"{name}_FILE:") for other in problems)
