"""Types of parameters: durations, `name=value`, local times, and the outcomes of --on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import click
from click.shell_completion import CompletionItem

from bridge.client import On, Outcome, State
from bridge.domain.durations import duration, duration_text
from bridge.domain.subscriptions import GROUPS
from bridge.domain.times import Span

OUTCOMES: Sequence[Outcome] = get_args(Outcome)
STATES: Sequence[State] = get_args(State)


class Duration(click.ParamType[Span]):
    """`30s`, `10m`, `24h` as in settings, in milliseconds; at most `longest`."""

    name = "duration"

    def __init__(self, longest: Span | None = None) -> None:
        self.longest = longest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        try:
            span = duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if self.longest is not None and span > self.longest:
            self.fail(f"must be at most {duration_text(self.longest)}", param, ctx)
        return span


class KeyValue(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not name=value", param, ctx)
        return name, text


class LocalTime(click.ParamType[datetime]):
    """A local time, or one with its offset from UTC; converted to UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.fromisoformat(str(value)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time: write it like 2026-11-24 or 2026-11-24T09:30", param, ctx)


class OnOption(click.ParamType[tuple[str, ...]]):
    """`problems`, `always`, or a list of outcomes such as `failed,timed_out`."""

    name = "problems|always|LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in str(value).split(","))
        unknown = [part for part in parts if part not in (*GROUPS, *OUTCOMES)]
        if unknown:
            choices = f"{', '.join(GROUPS)}, or outcomes separated by commas: {', '.join(OUTCOMES)}"
            self.fail(f"{', '.join(map(repr, unknown))} is not one of {choices}", param, ctx)
        return parts

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete the last outcome of a list."""
        _ = ctx, param
        before, comma, last = incomplete.rpartition(",")
        choices = OUTCOMES if comma else [*GROUPS, *OUTCOMES]
        return [CompletionItem(f"{before}{comma}{choice}") for choice in choices if choice.startswith(last)]


def wanted_outcomes(given: Sequence[Sequence[str]]) -> On | None:
    """Return the `on` of the API for all values of --on; None if there are none.

    Raise UsageError if the name of a group stands beside something else.
    """
    parts = tuple(dict.fromkeys(part for each in given for part in each))
    match parts:
        case ():
            return None
        case ("problems" | "always" as group,):
            return group
        case _ if groups := [part for part in parts if part in GROUPS]:
            raise click.UsageError(f"--on {groups[0]} stands alone: it can't be combined with other values.")
        case _:
            return [outcome for outcome in OUTCOMES if outcome in parts]
