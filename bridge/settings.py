"""The settings: read once, at the edge; every problem reported at once, in plain words.

`.env.example` names each variable with its default. A variable that holds a secret has a `…_FILE` twin.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Span
from bridge.errors import SettingsError

SECRETS = (
    "redis_url",
    "rally_api_key",
    "rally_workspaces",
    "bridge_api_keys",
    "bridge_encryption_keys",
    "callback_secrets",
)
"""The variables that may be given as files."""

LONGEST_WATCH: Span = 30 * DAY
_UNITS: Mapping[str, Span] = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_CLIENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SHORTEST_KEY = 16


DEFAULT_WORKSPACE = "default"
"""The name of the workspace of RALLY_API_KEY."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """An API key, the name of the internal tool that bears it, and what it may do.

    An `admin` sees everybody's watches; `workspaces` are those it may use, None for all.
    """

    name: str
    key: Secret
    admin: bool
    workspaces: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One more Rally account: its name here, its key, and its base URL where it is another than the first one's."""

    name: str
    key: Secret
    base_url: str | None


def duration(text: str) -> Span:
    """Read `30s`, `10m`, `1h30m`, `2d`, `500ms` as milliseconds; raises ValueError in words."""
    if not _DURATION.sub("", text) == "" or not text:
        raise ValueError(f"{text!r} is no duration: write it with a unit, like 30s, 10m, 24h or 1h30m")
    span = sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    if span <= 0:
        raise ValueError("must be longer than nothing")
    return span


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _durations(text: str) -> tuple[Span, ...]:
    return tuple(duration(part) for part in _parts(text))


def _secret(text: str) -> Secret:
    return Secret(text.strip())


def _redis_url(text: str) -> Secret:
    scheme = urlsplit(text.strip()).scheme
    if scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return _secret(text)


def _base_url(text: str) -> str:
    url = urlsplit(text.strip())
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must be an http or https URL")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must have no user, password, query or fragment")
    return text.strip().rstrip("/")


def _client_keys(text: str) -> tuple[ClientKey, ...]:
    keys: list[ClientKey] = []
    wrong: list[str] = []
    for number, part in enumerate(_parts(text), start=1):
        name, _, rest = part.partition(":")
        key, _, role = rest.partition(":")
        named, _, workspaces = role.partition("=")
        if not _CLIENT.fullmatch(name):
            wrong.append(f"entry {number} needs a name of a-z, 0-9, - and _ before its first colon")
        elif len(key) < SHORTEST_KEY:
            wrong.append(f"the key of {name!r} must have at least {SHORTEST_KEY} characters")
        elif role not in {"", "admin"} and (named != "workspaces" or not workspaces):
            wrong.append(f"behind the key of {name!r} only :admin or :workspaces=one+another may stand")
        elif any(known.key.reveal() == key for known in keys):
            wrong.append(f"the key of {name!r} stands there twice")
        else:
            allowed = frozenset(workspaces.split("+")) if workspaces else None
            keys.append(ClientKey(name=name, key=Secret(key), admin=role == "admin", workspaces=allowed))
    if wrong or not keys:
        raise ValueError("; ".join(wrong) or "must hold at least one name:key")
    return tuple(keys)


def _workspaces(text: str) -> tuple[Workspace, ...]:
    found: list[Workspace] = []
    wrong: list[str] = []
    for number, part in enumerate(_parts(text), start=1):
        name, _, rest = part.partition(":")
        key, at, url = rest.partition("@")
        try:
            base_url = _base_url(url) if at else None
        except ValueError as error:
            wrong.append(f"the base URL of {name!r} {error}")
            continue
        if not _CLIENT.fullmatch(name) or not key:
            wrong.append(f"entry {number} is no name:key or name:key@https://base.url")
        elif name == DEFAULT_WORKSPACE or any(known.name == name for known in found):
            wrong.append(f"the name {name!r} is taken")
        else:
            found.append(Workspace(name=name, key=Secret(key), base_url=base_url))
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(found)


def _fernet_keys(text: str) -> tuple[Secret, ...]:
    for number, part in enumerate(_parts(text), start=1):
        try:
            Fernet(part)
        except ValueError:
            raise ValueError(f"key {number} is no Fernet key (44 characters of URL-safe base64)") from None
    return _at_least_one(text)


def _callback_secrets(text: str) -> tuple[Secret, ...]:
    for number, part in enumerate(_parts(text), start=1):
        try:
            raw = base64.b64decode(part.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raw = b""
        if not part.startswith("whsec_") or not 24 <= len(raw) <= 64:  # noqa: PLR2004 - as Standard Webhooks has it
            raise ValueError(f"secret {number} must be whsec_ and the base64 of 24 to 64 bytes")
    return _at_least_one(text)


def _at_least_one(text: str) -> tuple[Secret, ...]:
    secrets = tuple(Secret(part) for part in _parts(text))
    if not secrets:
        raise ValueError("must hold at least one")
    return secrets


Duration: TypeAlias = Annotated[Span, BeforeValidator(duration)]


class Settings(BaseSettings):
    """Everything that an operator may set; field names are the variables' names in lower case, durations ms."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True, validate_default=False)

    redis_url: Annotated[Secret, BeforeValidator(_redis_url)]
    rally_api_key: Annotated[Secret, BeforeValidator(_secret)]
    rally_base_url: Annotated[str, BeforeValidator(_base_url)] = "https://api.rallyuxr.com/api/public/v1"
    rally_workspaces: Annotated[tuple[Workspace, ...], BeforeValidator(_workspaces)] = ()
    rally_budget_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    poll_floor: Duration = 3 * SECOND
    poll_ceiling: Duration = 60 * SECOND
    poll_growth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    poll_lease: Duration = 15 * SECOND
    not_found_grace: Duration = 10 * MINUTE
    watch_expiry: Duration = 24 * HOUR
    reading_reuse: Duration = 5 * MINUTE
    bridge_api_keys: Annotated[tuple[ClientKey, ...], BeforeValidator(_client_keys)]
    bridge_encryption_keys: Annotated[tuple[Secret, ...], BeforeValidator(_fernet_keys)]
    callback_secrets: Annotated[tuple[Secret, ...], BeforeValidator(_callback_secrets)]
    egress_allow: Annotated[tuple[str, ...], BeforeValidator(lambda text: tuple(_parts(text)))] = ()
    delivery_schedule: Annotated[tuple[Span, ...], BeforeValidator(_durations), Field(min_length=1)] = _durations(
        "2s,5s,15s,1m,5m,30m,2h,5h,10h,24h"
    )
    delivery_max_age: Duration = 72 * HOUR
    bridge_retention: Duration = 30 * DAY
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.poll_floor > self.poll_ceiling:
            raise ValueError("POLL_FLOOR must not be longer than POLL_CEILING")
        if self.watch_expiry > LONGEST_WATCH:
            raise ValueError("WATCH_EXPIRY must be at most 30d")
        known = {DEFAULT_WORKSPACE, *(workspace.name for workspace in self.rally_workspaces)}
        for client in self.bridge_api_keys:
            if unknown := sorted((client.workspaces or frozenset()) - known):
                raise ValueError(f"BRIDGE_API_KEYS: {client.name!r} names unknown workspaces: {', '.join(unknown)}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes all five by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` has gathered: it knows the `…_FILE` twins, and tests give it an environment."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Self:
        """Read the environment, and behind it a `.env` in the current directory.

        Raises SettingsError naming every problem; no secret's value is in it.
        """
        behind = dotenv_values(env_file) if env_file else {}
        given = {**behind, **(os.environ if environ is None else environ)}
        # An empty variable is not set, and yet hides what .env says.
        values, problems = _gather({name: value for name, value in given.items() if value}, cls.model_fields)
        settings = None
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems += [_sentence(found) for found in error.errors(include_input=False, include_url=False)]
        if settings is None or problems:
            raise SettingsError([problem for problem in problems if not _told_already(problem, problems)])
        return settings


def _gather(given: Mapping[str, str], fields: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Pick our variables, reading the files that `…_FILE` variables name."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for field in fields:
        name, twin = field.upper(), f"{field.upper()}_FILE"
        if given.get(name):
            values[field] = given[name]
        if field not in SECRETS or not given.get(twin):
            continue
        if field in values:
            problems.append(f"{name} and {twin}: give one of the two")
            continue
        try:
            values[field] = Path(given[twin]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{twin}: {given[twin]} can't be read ({type(error).__name__})")
    return values, problems


def _sentence(found: Any) -> str:
    message = str(found["msg"]).removeprefix("Value error, ")
    if not found["loc"]:
        return message
    name = str(found["loc"][0]).upper()
    if found["type"] == "missing":
        also = f" (or {name}_FILE)" if name.lower() in SECRETS else ""
        return f"{name}{also} is required"
    return f"{name}: {message}"


def _told_already(problem: str, problems: list[str]) -> bool:
    """Leave out "X is required" where X's file could not be read."""
    name = problem.partition(" ")[0]
    return problem.endswith("is required") and any(other.startswith(f"{name}_FILE:") for other in problems)
