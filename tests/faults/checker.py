"""The checker: decides from a history alone whether the promises held, without the product's code.

Each rule yields a sentence of evidence for each breach.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from . import promptness, rules_told, slack_acts_told, slack_told
from .evidence import (
    PRECISION,
    RECORDED_WITHIN,
    Findings,
    Rule,
    accepted,
    by_place,
    hits,
    is_lost,
    last_seen,
    outcomes_received,
    repeats,
)
from .history import CRASHES, OUTAGES, Attempt, History, Poll, WatchPost

SLACK = 0.5
"""Seconds for the transfer, and for a busy machine, until a 429 is recorded."""
LONGEST_PAUSE = 3600.0
NEAR = 1.5
"""A crash within this many seconds of a response may have prevented its recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of the checker: the breaches by rule, and counts."""

    breaches: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]

    @property
    def sound(self) -> bool:
        return not any(self.breaches.values())


def check(history: History) -> Verdict:
    return Verdict(breaches={name: tuple(rule(history)) for name, rule in RULES.items()}, counts=_counts(history))


def _counts(history: History) -> dict[str, int]:
    repeated = [taken for taken, _ in repeats(history)]
    turned_away = list(_turned_away(history))
    hidden = _hidden_windows(history)
    judged = [count for number, count in _windows(history).items() if number not in hidden]
    return {
        "watches accepted": sum(post.accepted for post in history.posts),
        "posts without a 2xx": sum(not post.accepted for post in history.posts),
        "attempts at receivers": len(history.attempts),
        "repeats after an ambiguous answer": sum(not taken.accepted for taken in repeated),
        "repeats after a 2xx": sum(taken.accepted for taken in repeated),
        "requests to Rally": len(history.polls),
        "windows judged": len(judged),
        f"the fullest of them, of {history.window.limit}": max(judged, default=0),
        "windows in which Rally hid its limit": len(hidden),
        "429s judged": sum(not is_lost(turned, history.faults) for turned in turned_away),
        "429s that a fault may have kept unrecorded": sum(is_lost(turned, history.faults) for turned in turned_away),
        **promptness.counts(history),
        **rules_told.counts(history),
        **slack_told.counts(history),
        **slack_acts_told.counts(history),
        "faults": len(history.faults),
        "processes that ended by themselves": len(history.deaths),
    }


def lost(history: History) -> Findings:
    """Every watch that was accepted with 2xx exists at the end."""
    last = last_seen(history)
    for post in accepted(history):
        seen = last.get(post.watch_id or "")
        if seen is None or seen.state is None:
            yield f"{post.label} ({post.watch_id}) is gone"


def without_one_outcome(history: History) -> Findings:
    """Every watch ends with exactly one outcome in every record, and each callback has one webhook-id."""
    last, heard = last_seen(history), outcomes_received(history)
    shown: dict[str, set[str]] = defaultdict(set)
    for seen in history.views:
        if seen.outcome is not None:
            shown[seen.watch_id].add(seen.outcome)
    for post in accepted(history):
        end = last.get(post.watch_id or "")
        outcomes = shown[post.watch_id or ""] | heard[post.label]
        if end is not None and end.state is not None and (len(outcomes) != 1 or end.state != "settled"):
            yield f"{post.label} ({post.watch_id}) is {end.state}, with outcomes {sorted(outcomes)}"
    for label, outcomes in heard.items():
        if len(outcomes) > 1:
            yield f"{label} was delivered as {sorted(outcomes)}"
    for place, attempts in by_place(history).items():
        ids = {attempt.webhook_id for attempt in attempts}
        if len(ids) > 1:
            yield f"{place} has several webhook-ids: {sorted(map(str, ids))}"


def wrong_outcomes(history: History) -> Findings:
    """Every outcome shown or sent is the import's true end, for the right watch and a subscribed destination."""
    by_id = {post.watch_id: post for post in accepted(history)}
    by_label = {post.label: post for post in history.posts}
    for seen in history.views:
        post = by_id.get(seen.watch_id)
        if post is not None and seen.outcome not in {None, post.ending}:
            yield f"{post.label} shows {seen.outcome}, its import {post.ending}"
    for attempt in history.attempts:
        post = by_label.get(attempt.label)
        if post is None:
            yield f"{attempt.label} was never posted, but sent to {attempt.receiver}"
        else:
            yield from _wrongly_sent(post, attempt)


def _wrongly_sent(post: WatchPost, attempt: Attempt) -> Findings:
    if attempt.outcome not in {None, post.ending}:
        yield f"{post.label} was sent as {attempt.outcome}, its import {post.ending}"
    if post.watch_id and attempt.watch_id not in {None, post.watch_id}:
        yield f"{post.label} was sent as {attempt.watch_id}, and is {post.watch_id}"
    if attempt.number >= len(post.subscriptions) or post.subscriptions[attempt.number].receiver != attempt.receiver:
        yield f"{post.label} was sent to {attempt.receiver}, which is not its destination {attempt.number}"
    elif not post.subscriptions[attempt.number].wants(post.ending):
        yield f"{post.label} was sent to {attempt.receiver}, which did not ask for {post.ending}"


def undelivered(history: History) -> Findings:
    """Every destination that subscribed to the outcome has accepted the message by the end."""
    taken = {(attempt.label, attempt.number) for attempt in history.attempts if attempt.accepted or attempt.may_suffice}
    for post in accepted(history):
        for number, subscription in enumerate(post.subscriptions):
            if subscription.wants(post.ending) and (post.label, number) not in taken:
                yield f"{post.label} ({post.watch_id}) was not delivered to {subscription.receiver}"


def windows_exceeded(history: History) -> Findings:
    """I3: no fixed window has more requests than the limit allows, when Rally names the limit."""
    hidden = _hidden_windows(history)
    for number, count in sorted(_windows(history).items()):
        if count > history.window.limit and number not in hidden:
            start = number * history.window.seconds
            yield f"{count} requests in the window from {start:.0f}, which allows {history.window.limit}"


def polled_too_early(history: History) -> Findings:
    """I3: from a second after a 429, no request starts before the time that it named."""
    starts = sorted(poll.at for poll in history.polls)
    for turned in _turned_away(history):
        if is_lost(turned, history.faults):
            continue
        since = turned.ended_at + RECORDED_WITHIN + SLACK
        until = turned.ended_at + min(turned.retry_after or 0.0, LONGEST_PAUSE) - PRECISION
        early = starts[bisect_right(starts, since) : bisect_left(starts, until)]
        if early:
            yield f"{len(early)} requests in the pause of {turned.worker}'s 429 at {turned.ended_at:.2f}"


def concurrent_without_limit(history: History) -> Findings:
    """I3: while no limit is known, one call is in flight."""
    known_from = min((poll.ended_at for poll in history.polls if poll.names_limit), default=float("inf"))
    early = sorted((poll for poll in history.polls if poll.at < known_from), key=lambda poll: poll.at)
    for one, other in pairwise(early):
        if other.at < one.ended_at - PRECISION and not hits(history.faults, CRASHES, one.at, other.at, one.worker):
            yield f"{other.worker} polled at {other.at:.2f}, while {one.worker}'s request of {one.at:.2f} was in flight"


def too_early(history: History) -> Findings:
    """No receiver gets a request before its Retry-After."""
    for place, attempts in by_place(history).items():
        for one, other in pairwise(attempts):
            if one.retry_after is not None and other.at < one.ended_at + one.retry_after - PRECISION:
                yield f"{place} asked for {one.retry_after:g} s, and was called {other.at - one.ended_at:.2f} s later"


def unverified(history: History) -> Findings:
    """Every callback verifies."""
    for attempt in history.attempts:
        if not attempt.signed:
            yield f"{attempt.label} was ill-signed to {attempt.receiver} at {attempt.at:.2f}"


def changed_repeats(history: History) -> Findings:
    """Every attempt of a delivery has the same body."""
    for place, attempts in by_place(history).items():
        if len({attempt.digest for attempt in attempts}) > 1:
            yield f"{place} was sent different bodies"


def unexplained_repeats(history: History) -> Findings:
    """An accepted message is sent again only after a crash or an ambiguous response."""
    for taken, again in repeats(history):
        near = (taken.at - NEAR, taken.ended_at + NEAR)
        if taken.accepted and not hits(history.faults, CRASHES | OUTAGES, *near):
            yield f"{again.label} was taken by {again.receiver} at {taken.ended_at:.2f}, and again at {again.at:.2f}"


def unknown_requests(history: History) -> Findings:
    """No request goes to an unknown path: no redirect is followed."""
    yield from history.strays


def polls_of_rules_beyond_a_quarter(history: History) -> Findings:
    yield from rules_told.beyond_a_quarter(history, _hidden_windows(history))


RULES: Mapping[str, Rule] = {
    "lost watches": lost,
    "watches without exactly one outcome": without_one_outcome,
    "wrong outcomes": wrong_outcomes,
    "deliveries never made": undelivered,
    "I3: windows exceeded": windows_exceeded,
    "I3: requests in a 429's pause": polled_too_early,
    "I3: more than one call, no limit known": concurrent_without_limit,
    "attempts before a Retry-After": too_early,
    "signature failures": unverified,
    "repeats with another body": changed_repeats,
    "repeats that nothing explains": unexplained_repeats,
    "redirects followed": unknown_requests,
    **promptness.RULES,
    **rules_told.rules(
        {
            "before a Retry-After": too_early,
            "signature failures": unverified,
            "repeats with another body": changed_repeats,
            "repeats that nothing explains": unexplained_repeats,
        }
    ),
    **slack_told.rules(
        {
            "before a Retry-After": too_early,
            "repeats with another body": changed_repeats,
            "repeats that nothing explains": unexplained_repeats,
        }
    ),
    **slack_acts_told.rules(
        {
            "signature failures": unverified,
            "repeats with another body": changed_repeats,
            "repeats that nothing explains": unexplained_repeats,
        }
    ),
    "polls for rules beyond a quarter": polls_of_rules_beyond_a_quarter,
}


def _windows(history: History) -> Counter[int]:
    return Counter(int(poll.at // history.window.seconds) for poll in history.polls)


def _hidden_windows(history: History) -> set[int]:
    """Return the windows in which a response lacked the limit that it should have named."""
    return {int(poll.at // history.window.seconds) for poll in history.polls if poll.muddled}


def _turned_away(history: History) -> Iterator[Poll]:
    return (poll for poll in history.polls if poll.status == 429 and poll.retry_after is not None)
