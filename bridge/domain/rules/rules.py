"""Rules: the operator's standing requests, which decide who is notified of imports that nobody registered."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.clients import RULE_PREFIX, is_rule
from bridge.domain.destinations import Destination
from bridge.domain.imports import Reading
from bridge.domain.mentions import Mention
from bridge.domain.nudges import NUDGE_AFTER
from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import GROUPS, Subscription
from bridge.domain.times import HOUR, Span

MAX_AGE: Span = 24 * HOUR
"""The default age above which an import's end is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A digest's schedule: this long after the first import in it."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyAt:
    """A digest's schedule: each day at a local time."""

    minute: int
    """The minute of the day, from 0."""
    zone: str
    """The name of a time zone, such as Europe/Berlin."""


DigestSchedule: TypeAlias = Every | DailyAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What makes an import worth a message; meeting one of them is enough."""

    failed_share: float | None = None
    """The least part of the records that failed: failed ÷ (people + failed)."""
    failed_records: int | None = None
    """The least number of failed records."""
    people_below: int | None = None
    """The number of people below which an import is worth a message."""

    def met_by(self, reading: Reading) -> bool:
        return self.too_few_people(reading) or self._too_many_failures(reading)

    def too_few_people(self, reading: Reading) -> bool:
        people = reading.person_count
        return self.people_below is not None and people is not None and people < self.people_below

    def _too_many_failures(self, reading: Reading) -> bool:
        failed = reading.failed_record_count
        if self.failed_records is not None and failed >= self.failed_records:
            return True
        total = failed + (reading.person_count or 0)
        return self.failed_share is not None and failed > 0 and failed >= self.failed_share * total


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which imports that Rally pushes are told to which destinations; None stands for all."""

    name: str
    workspaces: frozenset[str] | None = None
    types: frozenset[str] | None = None
    outcomes: Subscription = GROUPS["problems"]
    notify: tuple[Destination, ...]
    digest: DigestSchedule | None = None
    """When messages to Slack are sent as one; None if each import has its own message."""
    only_if: Thresholds | None = None
    max_age: Span = MAX_AGE
    mention: Mention | None = None
    nudge_after: Span | None = NUDGE_AFTER
    """After how long Slack is told that an import still runs that was pushed; None if it is not."""

    @property
    def client(self) -> str:
        """The name of the client that the rule's watches belong to."""
        return f"{RULE_PREFIX}{self.name}"

    def covers(self, workspace: str) -> bool:
        return self.workspaces is None or workspace in self.workspaces

    def mentioned(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the Slack users to mention in the message about an outcome."""
        return () if self.mention is None else self.mention.users_for(outcome)


class RuleResult(StrEnum):
    """What became of a push that a rule covers, or of a watch that it made; each is counted."""

    WATCHED = "watched"
    """A watch was made."""
    NOT_WANTED = "not_wanted"
    """The push says that nothing happened that the rule tells."""
    STALE = "stale"
    """The import ended too long ago: it is only summarized."""
    TEST = "test"
    """The import ended too long ago, and its id is that of a test: nothing was done."""
    TOLD = "told"
    """A destination is told how the import ended."""
    SILENT = "silent"
    """The import ended, and the rule tells it nowhere."""
    UNREAD = "unread"
    """The import was not found, not visible or not finished in time."""


def rule_of(client: str) -> str | None:
    """Return the name of the rule that a watch of this client belongs to; None if it belongs to no rule."""
    return client.removeprefix(RULE_PREFIX) if is_rule(client) else None
