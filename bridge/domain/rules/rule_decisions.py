"""What a rule does with a push, and with the end of an import that was pushed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.destinations import Destination
from bridge.domain.durations import duration_text
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, QueuedPush
from bridge.domain.rules.rules import Rule
from bridge.domain.subscriptions import GROUPS
from bridge.domain.times import Moment, moment_of

TYPE_OF_EVENT: Mapping[str, str] = {API_FINISHED: "API", CSV_FINISHED: "CSV"}
"""The type of import that an event names; it counts only where no type was read."""
END_OUTCOMES = frozenset({Outcome.COMPLETED, Outcome.COMPLETED_WITH_FAILURES, Outcome.FAILED})
"""The outcomes that say how an import ended."""


@dataclass(frozen=True, slots=True)
class NotCovered:
    """The rule does not cover the workspace."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The import ended too long ago for a message of its own."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The import ended too long ago, but was pushed before, when its end was news."""


@dataclass(frozen=True, slots=True)
class NotWanted:
    """The push says that nothing happened that the rule tells, so the import need not be read."""

    reason: str = "the rule does not tell imports that completed without failures"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The import must be read, to decide whether the rule tells its end."""


PushDecision: TypeAlias = NotCovered | Stale | Replayed | NotWanted | Wanted


def on_push(rule: Rule, pushed: QueuedPush) -> PushDecision:
    """Return what a rule does with a push.

    A push is trusted where it leads to silence, and verified where it leads to a message.
    """
    push = pushed.push
    if not rule.covers(push.workspace):
        return NotCovered()
    if _is_stale(rule, push.updated_at, pushed.at):
        return _on_stale_push(rule, pushed)
    if push.says_success and not _may_tell_success(rule):
        return NotWanted()
    return Wanted()


def _on_stale_push(rule: Rule, pushed: QueuedPush) -> PushDecision:
    """Return what a rule does with a push about an end that is no news. The import is not read for it."""
    if not _is_stale(rule, pushed.push.updated_at, pushed.first_at):
        return Replayed()
    type_ = TYPE_OF_EVENT.get(pushed.push.event)
    if rule.types is not None and type_ not in rule.types:
        return NotWanted(_other_type(type_))
    return Stale()


def _other_type(type_: str | None) -> str:
    return f"the rule does not tell the type {type_ or 'unknown'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a pushed import ended, and what was read of it: None if only its push is known."""

    pushed: QueuedPush
    outcome: Outcome
    reading: Reading | None

    @property
    def type(self) -> str | None:
        """The type of the import as read, or else as its event names it."""
        read = None if self.reading is None else self.reading.type
        return read or TYPE_OF_EVENT.get(self.pushed.push.event)


def why_silent(rule: Rule, end: End) -> str | None:
    """Return why a rule does not tell the end of an import; None if it tells it."""
    return why_silent_by_push(rule, end.pushed) or _silent_by_end(rule, end)


def why_silent_by_push(rule: Rule, pushed: QueuedPush) -> str | None:
    """Return why a rule does not tell an import because of its push alone; None if it may tell it."""
    match on_push(rule, pushed):
        case NotCovered():
            return "the rule does not cover its workspace"
        case Stale() | Replayed():
            return _too_old(rule)
        case NotWanted(reason=reason):
            return reason
        case Wanted():
            return None


def _silent_by_end(rule: Rule, end: End) -> str | None:
    if end.outcome not in END_OUTCOMES:
        return f"rules do not tell {end.outcome.value}"
    if end.reading is not None and _is_stale(rule, moment_of(end.reading.updated_at or ""), end.pushed.at):
        return _too_old(rule)
    if rule.types is not None and end.type not in rule.types:
        return _other_type(end.type)
    if not _tells_outcome(rule, end):
        return f"the rule does not tell {end.outcome.value}"
    if not _meets_thresholds(rule, end):
        return "the import meets none of the rule's thresholds"
    return None


def silences(
    rules: Sequence[Rule],
    name: str,
    notify: Sequence[Destination],
    end: End,
    receiver: Callable[[Destination], str],
    *,
    summarized: Collection[str] = (),
) -> list[str | None]:
    """Return why a rule does not tell an end to each of its destinations; None where it does.

    If several rules would tell an import to one receiver, only the first in the order of the file does; none does if a
    summary tells it there: `summarized` are the receivers of such summaries.
    """
    before = [rule for rule in _until(rules, name) if why_silent(rule, end) is None]
    told = {receiver(each): f"the rule {rule.name} tells this destination" for rule in before for each in rule.notify}
    told.update(dict.fromkeys(summarized, "a summary tells this destination"))
    rule = next((rule for rule in rules if rule.name == name), None)
    silent = "the rule is not configured any more" if rule is None else why_silent(rule, end)
    reasons: list[str | None] = []
    for destination in notify:
        reasons.append(silent or told.get(receiver(destination)))
        told.setdefault(receiver(destination), "the rule names this destination twice")
    return reasons


def _until(rules: Sequence[Rule], name: str) -> Iterator[Rule]:
    """Yield the rules before the one of this name."""
    for rule in rules:
        if rule.name == name:
            return
        yield rule


def _is_stale(rule: Rule, updated_at: Moment | None, at: Moment) -> bool:
    return updated_at is not None and at - updated_at > rule.max_age


def _too_old(rule: Rule) -> str:
    return f"the import ended more than {duration_text(rule.max_age)} before its push"


def _may_tell_success(rule: Rule) -> bool:
    """Return whether a rule may tell an import that completed without failures."""
    if rule.only_if is not None and rule.only_if.people_below is None:
        return False  # without failures it meets no other threshold
    return rule.outcomes is None or Outcome.COMPLETED in rule.outcomes or _counts_few_people_as_problem(rule)


def _counts_few_people_as_problem(rule: Rule) -> bool:
    return rule.outcomes == GROUPS["problems"] and rule.only_if is not None and rule.only_if.people_below is not None


def _tells_outcome(rule: Rule, end: End) -> bool:
    if rule.outcomes is None or end.outcome in rule.outcomes:
        return True
    few = rule.only_if is not None and end.reading is not None and rule.only_if.too_few_people(end.reading)
    return few and end.outcome is Outcome.COMPLETED and _counts_few_people_as_problem(rule)


def _meets_thresholds(rule: Rule, end: End) -> bool:
    """Return whether an end is worth a message; one that could not be read is, since its figures are not known."""
    if rule.only_if is None or end.outcome is Outcome.FAILED or end.reading is None:
        return True
    return rule.only_if.met_by(end.reading)
