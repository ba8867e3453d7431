"""The tables `[[rules]]` of the configuration file."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from bridge.domain.destinations import Destination, NamedDestination
from bridge.domain.durations import duration
from bridge.domain.mentions import USER_ID, Mention
from bridge.domain.nudges import NUDGE_AFTER
from bridge.domain.rules.rules import MAX_AGE, DailyAt, DigestSchedule, Every, Rule, Thresholds
from bridge.domain.times import DAY, MINUTE, Span
from bridge.settings.file.mention_fields import OutcomesField, Users, mention_of, problems
from bridge.settings.file.tables import DestinationTable, Name, Table

TYPE = r"^[A-Z][A-Z_]{0,39}$"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
LONGEST_DIGEST: Span = 7 * DAY
LONGEST_NUDGE: Span = DAY
LONGEST_MAX_AGE: Span = 30 * DAY
"""The memory of pushed imports is longer, so that no replay can be told twice."""
RULE_SENTENCES = {
    TYPE: "must be a type as Rally writes it, such as CSV or API",
    USER_ID: "must be the id of a Slack user, such as U0123ABCD",
}


def _span(least: Span, most: Span, words: str) -> BeforeValidator:
    """Return a validator of durations within bounds, which `words` name."""

    def parse(value: object) -> Span:
        if not isinstance(value, str):
            raise ValueError("must be a duration such as 30m or 24h, in quotes")  # noqa: TRY004 - a finding of pydantic
        span = duration(value)
        if not least <= span <= most:
            raise ValueError(f"must be {words}")
        return span

    return BeforeValidator(parse)


def _minute_of_day(value: object) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a time of day such as "09:00"')
    return int(found[1]) * 60 + int(found[2])


def _zone(value: object) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; OSError: the name of a folder
        raise ValueError('must be the name of a time zone, such as "Europe/Berlin" or "UTC"') from None


def _entry(value: object) -> object:
    """Refuse what is neither a name nor a destination; the tables are validated before (`contents.py`)."""
    if isinstance(value, str | Table | dict):
        return value
    raise ValueError("must be the name of a destination, or a table with its type")


class DigestTable(Table):
    """When a rule's messages to Slack are sent as one: `every` alone, or `at` and `zone`."""

    every: Annotated[
        Annotated[Span, _span(MINUTE, LONGEST_DIGEST, "from 1m to 7d"), WithJsonSchema({"type": "string"})] | None,
        Field(description="How long after the first import, such as 1h."),
    ] = None
    at: Annotated[
        Annotated[int, BeforeValidator(_minute_of_day), WithJsonSchema({"type": "string"})] | None,
        Field(description="The local time of each day, such as 09:00."),
    ] = None
    zone: Annotated[
        Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string"})] | None,
        Field(description="The time zone of `at`, such as Europe/Berlin."),
    ] = None

    @model_validator(mode="after")
    def _one_schedule(self) -> "DigestTable":
        if (self.every is None) == (self.at is None) or (self.at is None) != (self.zone is None):
            raise ValueError('must be {every = "1h"} or {at = "09:00", zone = "Europe/Berlin"}')
        return self

    def schedule(self) -> DigestSchedule:
        if self.every is not None:
            return Every(span=self.every)
        return DailyAt(minute=self.at or 0, zone=self.zone or "")


class ThresholdsTable(Table):
    """What makes an import worth a message; meeting one is enough, and an import that failed always is."""

    failed_share: Annotated[
        Annotated[float, Field(gt=0, le=1)] | None,
        Field(description="The least part of the records that failed: failed ÷ (people + failed)."),
    ] = None
    failed_records: Annotated[
        Annotated[int, Field(ge=1)] | None, Field(description="The least number of failed records.")
    ] = None
    people_below: Annotated[
        Annotated[int, Field(ge=1)] | None, Field(description="Fewer people than this are worth a message.")
    ] = None

    @model_validator(mode="after")
    def _at_least_one(self) -> "ThresholdsTable":
        if self.failed_share is self.failed_records is self.people_below is None:
            raise ValueError("must have failed_share, failed_records or people_below")
        return self

    def thresholds(self) -> Thresholds:
        return Thresholds(
            failed_share=self.failed_share, failed_records=self.failed_records, people_below=self.people_below
        )


class RuleMentionTable(Table):
    """Whom a rule's messages to Slack mention."""

    users: Users
    on: Annotated[OutcomesField, Field(default_factory=problems, description="The outcomes that mention them.")]

    def mention(self) -> Mention:
        return mention_of(self.users, self.on)


class RuleTable(Table):
    """Which imports that Rally pushes are told to which destinations, unless a watch tells them anyway."""

    name: Annotated[Name, Field(description="Its name; its watches belong to the client rule:NAME.")]
    workspaces: Annotated[
        list[str] | None, Field(min_length=1, description="The workspaces that it covers; all if left out.")
    ] = None
    types: Annotated[
        list[Annotated[str, StringConstraints(pattern=TYPE)]] | None,
        Field(min_length=1, description="The types of imports as Rally writes them; all if left out."),
    ] = None
    outcomes: Annotated[OutcomesField, Field(default_factory=problems, description="The outcomes that it tells.")]
    notify: Annotated[
        list[Annotated[str | DestinationTable, BeforeValidator(_entry)]],
        Field(min_length=1, max_length=10, description="Names of destinations of this file, or destinations."),
    ]
    mode: Annotated[
        Literal["each", "digest"],
        Field(description="Whether each import has its own message in Slack, or several have one together."),
    ] = "each"
    digest: Annotated[DigestTable | None, Field(description="When a digest is sent.")] = None
    only_if: Annotated[ThresholdsTable | None, Field(description="Which imports are worth a message.")] = None
    max_age: Annotated[
        Annotated[Span, _span(MINUTE, LONGEST_MAX_AGE, "from 1m to 30d"), WithJsonSchema({"type": "string"})] | None,
        Field(description="An import that ended longer ago is only summarized; 24h if left out."),
    ] = None
    nudge_after: Annotated[
        Annotated[Span, _span(MINUTE, LONGEST_NUDGE, "from 1m to 1d"), WithJsonSchema({"type": "string"})]
        | Literal[False]
        | None,
        Field(description="When Slack is told that a pushed import still runs; 30m if left out, false: never."),
    ] = None
    mention: Annotated[RuleMentionTable | None, Field(description="Whom messages in Slack mention.")] = None

    @model_validator(mode="after")
    def _digest_as_by_mode(self) -> "RuleTable":
        if (self.mode == "digest") != (self.digest is not None):
            raise ValueError('mode = "digest" and the key digest belong together')
        return self

    def _nudge_after(self) -> Span | None:
        match self.nudge_after:
            case None:
                return NUDGE_AFTER
            case False:
                return None
            case span:
                return span

    def rule(self) -> Rule:
        return Rule(
            name=self.name,
            workspaces=None if self.workspaces is None else frozenset(self.workspaces),
            types=None if self.types is None else frozenset(self.types),
            outcomes=self.outcomes,
            notify=tuple(map(_destination, self.notify)),
            digest=None if self.digest is None else self.digest.schedule(),
            only_if=None if self.only_if is None else self.only_if.thresholds(),
            mention=None if self.mention is None else self.mention.mention(),
            nudge_after=self._nudge_after(),
            max_age=MAX_AGE if self.max_age is None else self.max_age,
        )


def _destination(entry: str | DestinationTable) -> Destination:
    return NamedDestination(name=entry) if isinstance(entry, str) else entry.destination()
