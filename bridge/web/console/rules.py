"""The page of rules: what each covers, what became of the pushes that it covers, and the digests that wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from bridge.destinations.descriptions import describe
from bridge.domain.digests import OfRule
from bridge.domain.durations import duration_text
from bridge.domain.rules.rules import DailyAt, DigestSchedule, Every, Rule, RuleResult
from bridge.domain.subscriptions import subscription_as_json
from bridge.domain.times import HOUR, MINUTE, Moment
from bridge.store.deliveries.digests import DigestName
from bridge.web.console.visits import Visit, admin_page

RESULTS: Mapping[RuleResult, str] = {
    RuleResult.WATCHED: "a watch was made",
    RuleResult.NOT_WANTED: "the push says nothing that the rule tells",
    RuleResult.STALE: "the import ended too long ago: only summarized",
    RuleResult.TEST: "a test of Rally: nothing was done",
    RuleResult.TOLD: "told",
    RuleResult.SILENT: "ended, and told nowhere by this rule",
    RuleResult.UNREAD: "not found, not visible, or not finished in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredDigest:
    """A digest that waits: when it is sent, and how many imports it has so far."""

    name: DigestName
    due: Moment
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """What the page shows of a rule."""

    rule: Rule
    outcomes: str
    destinations: Sequence[str]
    schedule: str
    results: Mapping[RuleResult, int]
    digests: Sequence[GatheredDigest]


@admin_page
async def show(visit: Visit) -> Response:
    digests = await _gathered(visit)
    rules = [await _view(visit, rule, digests) for rule in visit.resources.settings.rules]
    return visit.page("rules.html", rules=rules, results=RESULTS)


async def _gathered(visit: Visit) -> Sequence[GatheredDigest]:
    """Return the digests that wait to be sent, the next one first."""
    due = await visit.resources.digests.due()
    sizes = await visit.resources.digests.sizes(list(due)) if due else []
    found = zip(due.items(), sizes, strict=True)
    return [GatheredDigest(name=name, due=at, size=size) for (name, at), size in found]


async def _view(visit: Visit, rule: Rule, digests: Sequence[GatheredDigest]) -> RuleView:
    wanted = subscription_as_json(rule.outcomes)
    return RuleView(
        rule=rule,
        outcomes=wanted if isinstance(wanted, str) else ", ".join(each.replace("_", " ") for each in wanted),
        destinations=[describe(each) for each in rule.notify],
        schedule="each import by itself" if rule.digest is None else schedule_in_words(rule.digest),
        results=await visit.resources.rule_counts.of(rule.name),
        digests=[each for each in digests if each.name.origin == OfRule(rule.name)],
    )


def schedule_in_words(schedule: DigestSchedule) -> str:
    """Return when the messages of a digest are sent."""
    match schedule:
        case Every(span=span):
            return f"one message {duration_text(span)} after the first import"
        case DailyAt(minute=minute, zone=zone):
            hour, rest = divmod(minute * MINUTE, HOUR)
            return f"one message a day at {hour:02d}:{rest // MINUTE:02d} ({zone})"
