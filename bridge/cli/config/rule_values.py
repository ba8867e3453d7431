"""The values of a rule as `config show` prints them."""

from collections.abc import Mapping

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.domain.destinations import Destination, NamedDestination
from bridge.domain.durations import duration_text
from bridge.domain.mentions import Mention
from bridge.domain.rules.rules import DailyAt, DigestSchedule, Every, Rule, Thresholds
from bridge.domain.subscriptions import Subscription, subscription_as_json

MINUTES_AN_HOUR = 60


def rule_values(rule: Rule) -> Mapping[str, str]:
    """Return the text of each key of a rule; keys that it may lack are left out if it lacks them."""
    optional = {
        "digest": rule.digest and _schedule(rule.digest),
        "only_if": rule.only_if and _thresholds(rule.only_if),
        "mention": rule.mention and mention_text(rule.mention),
    }
    return {
        "workspaces": _names(rule.workspaces),
        "types": _names(rule.types),
        "outcomes": _outcomes(rule.outcomes),
        "notify": ", ".join(map(_destination, rule.notify)),
        "mode": "digest" if rule.digest else "each",
        "max_age": duration_text(rule.max_age),
        "nudge_after": "never" if rule.nudge_after is None else duration_text(rule.nudge_after),
        **{key: text for key, text in optional.items() if text},
    }


def _names(names: frozenset[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names))


def _outcomes(outcomes: Subscription) -> str:
    shown = subscription_as_json(outcomes)
    return shown if isinstance(shown, str) else ", ".join(shown)


def _destination(destination: Destination) -> str:
    text = describe(destination)
    return text if isinstance(destination, NamedDestination) else f"{kind(destination)} {text}"


def _schedule(digest: DigestSchedule) -> str:
    match digest:
        case Every(span=span):
            return f"every {duration_text(span)}"
        case DailyAt(minute=minute, zone=zone):
            return f"at {minute // MINUTES_AN_HOUR:02}:{minute % MINUTES_AN_HOUR:02} {zone}"


def _thresholds(only_if: Thresholds) -> str:
    values = {
        "failed_share": only_if.failed_share,
        "failed_records": only_if.failed_records,
        "people_below": only_if.people_below,
    }
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)


def mention_text(mention: Mention) -> str:
    """Return the users and the outcomes that mention them."""
    return f"{', '.join(mention.users)} on {_outcomes(mention.on)}"
