"""Trials of rules: what each would do about an import, and why. Nothing is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.conclusions import absence_reason
from bridge.domain.destinations import Destination
from bridge.domain.imports import Absent, ImportAnswer, KeyRefused, OverLimit, Read, Reading, Unanswered, Unusable
from bridge.domain.outcomes import outcome_of
from bridge.domain.rules.pushes import QueuedPush
from bridge.domain.rules.rule_decisions import (
    End,
    NotCovered,
    NotWanted,
    Replayed,
    Stale,
    Wanted,
    on_push,
    silences,
    why_silent_by_push,
)
from bridge.domain.rules.rules import Rule


class Effect(StrEnum):
    """What a rule would do."""

    TELLS = "tells"
    """It tells at least one destination how the import ended."""
    SUMMARIZES = "summarizes"
    """It adds the import to a summary of those that were pushed too late."""
    WAITS = "waits"
    """It waits until the import is read with an end."""
    SILENT = "silent"
    """It does nothing that anyone would see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one rule would do, and why; `silences` has the reason of each destination that it would not tell."""

    rule: Rule
    effect: Effect
    reason: str | None = None
    silences: tuple[str | None, ...] = ()


def wants_poll(rules: Sequence[Rule], pushed: QueuedPush) -> bool:
    """Return whether a rule would have the import read."""
    return any(isinstance(on_push(rule, pushed), Wanted) for rule in rules)


def try_rules(
    rules: Sequence[Rule],
    pushed: QueuedPush,
    answer: ImportAnswer | None,
    receiver: Callable[[Destination], str],
) -> list[Trial]:
    """Return what each rule would do; `answer` is Rally's answer about the import, if a rule wants it."""
    return [_try(rule, rules, pushed, answer, receiver) for rule in rules]


def _try(
    rule: Rule,
    rules: Sequence[Rule],
    pushed: QueuedPush,
    answer: ImportAnswer | None,
    receiver: Callable[[Destination], str],
) -> Trial:
    reason = why_silent_by_push(rule, pushed)
    match on_push(rule, pushed):
        case NotCovered() | Replayed() | NotWanted():
            return Trial(rule=rule, effect=Effect.SILENT, reason=reason)
        case Stale():
            return Trial(rule=rule, effect=Effect.SILENT if pushed.push.is_test else Effect.SUMMARIZES, reason=reason)
        case Wanted():
            pass
    if not isinstance(answer, Read) or (outcome := outcome_of(answer.reading)) is None:
        return Trial(rule=rule, effect=Effect.WAITS, reason=_why_no_end(answer))
    end = End(pushed=pushed, outcome=outcome, reading=answer.reading)
    summarized = {
        receiver(each) for other in rules if isinstance(on_push(other, pushed), Stale) for each in other.notify
    }
    silent = tuple(silences(rules, rule.name, rule.notify, end, receiver, summarized=summarized))
    effect = Effect.TELLS if None in silent else Effect.SILENT
    return Trial(rule=rule, effect=effect, reason=None if effect is Effect.TELLS else silent[0], silences=silent)


def _why_no_end(answer: ImportAnswer | None) -> str:
    """Return why the end of an import is not known."""
    match answer:
        case Read(Reading(status=status)):
            return f"Rally reports {status}, which is not finished"
        case Absent(absence):
            return absence_reason(absence)
        case KeyRefused():
            return "Rally refuses the bridge's API key"
        case OverLimit():
            return "Rally's rate limit is used up"
        case Unusable(reason) | Unanswered(reason):
            return f"no usable answer from Rally: {reason}"
        case None:
            return "the import was not read"
