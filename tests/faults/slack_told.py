"""What the checker decides about people in Slack: each import is told once, with at most one living message."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise

from .evidence import Findings, Rule
from .history import EDIT, END, LIVING, STOP, Act, Asked, Attempt, History

OVER_LIMIT = 429


def counts(history: History) -> dict[str, int]:
    kinds = {kind: [each for each in history.in_slack if each.in_slack == kind] for kind in (LIVING, END, EDIT)}
    ends = [each for each in kinds[END] if each.accepted]
    return {
        "imports watched in Slack": sum(asked.acknowledged and not asked.refused for asked in history.asked),
        "commands that Slack refused to confirm": sum(asked.refused for asked in history.asked),
        "living messages": len({each.label for each in kinds[LIVING]}),
        "living messages without a clear answer": len({each.label for each in kinds[LIVING] if not each.accepted}),
        "their edits": len(kinds[EDIT]),
        "their ends as replies": len({each.label for each in ends if each.thread}),
        "their ends as ordinary messages": len(
            {each.label for each in kinds[END] if not each.thread and each.accepted}
        ),
    }


def untold(history: History) -> Findings:
    """Each import that is watched by an acknowledged command is told."""
    for import_id in sorted(owed(history.asked, history.in_slack, history.acts)):
        yield f"{import_id} was not told"


def refusals_unsaid(history: History) -> Findings:
    """A person who asks in a channel without the app is told that nothing is watched."""
    for import_id in sorted(unsaid(history.asked)):
        yield f"{import_id} was refused, and the person was not told"


def told_although_refused(history: History) -> Findings:
    """Nothing is watched that Slack has refused to confirm."""
    refused = {each.import_id for each in history.asked if each.refused}
    for each in history.in_slack:
        if each.label in refused:
            yield f"{each.label} was refused, and told at {each.at:.2f}"


def posted_twice(history: History) -> Findings:
    """A living message is posted again only if Slack has refused it: one that it may have taken never is."""
    for label, posts in _by_label(history, LIVING).items():
        for one, other in pairwise(posts):
            if one.status != OVER_LIMIT:
                yield f"{label} was posted at {one.at:.2f} with the answer {one.status}, and again at {other.at:.2f}"


def wrong_threads(history: History) -> Findings:
    """An end is a reply only to the living message of its import."""
    living = _by_label(history, LIVING)
    for label, ends in _by_label(history, END).items():
        known = {each.ts for each in living.get(label, ())}
        for each in ends:
            if each.thread is not None and each.thread not in known:
                yield f"{label} was told in the thread {each.thread}"


def rules(of_attempts: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Return all rules; those `of_attempts` are applied to the ends in Slack as well."""
    return {
        "Slack: imports not told": untold,
        "Slack: refusals not said": refusals_unsaid,
        "Slack: refused imports told": told_although_refused,
        "Slack: living messages posted twice": posted_twice,
        "Slack: replies in a wrong thread": wrong_threads,
        **{f"ends in Slack: {name}": partial(_about_ends, rule) for name, rule in of_attempts.items()},
    }


def owed(asked: Iterable[Asked], in_slack: Iterable[Attempt], acts: Iterable[Act]) -> set[str]:
    """Return the imports of acknowledged commands that are not told yet, without those that may have been stopped."""
    stopped = {act.import_id for act in acts if act.stopped or (act.kind == STOP and act.unclear)}
    told = {each.label for each in in_slack if each.in_slack == END and each.accepted}
    return {each.import_id for each in asked if each.acknowledged and not each.refused} - told - stopped


def unsaid(asked: Iterable[Asked]) -> set[str]:
    """Return the imports of acknowledged commands that Slack has refused to confirm, where the refusal was not said."""
    return {each.import_id for each in asked if each.acknowledged and each.refused and "not watched" not in each.said}


def _about_ends(rule: Rule, history: History) -> Findings:
    return rule(history.of_slack())


def _by_label(history: History, kind: str) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    for each in sorted(history.in_slack, key=lambda attempt: attempt.at):
        if each.in_slack == kind:
            found[each.label].append(each)
    return found
