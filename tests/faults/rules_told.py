"""What the checker decides about pushes and rules: each pushed import is told once, and nothing else is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from .evidence import Findings, Rule
from .history import FORGED, GENUINE, STALE, TEST, Attempt, History, PushPost
from .rule_receivers import HOOK, ROOM

ACCEPTED = 204
NO_SUCH_SIGNATURE = 400
QUARTER = 4


def counts(history: History) -> dict[str, int]:
    digests = _digests(history, sufficing=True)
    polls = _polls_by_window(history)
    return {
        "pushes accepted": sum(post.status == ACCEPTED for post in history.pushes),
        "forged pushes refused": sum(post.status == NO_SUCH_SIGNATURE for post in history.pushes),
        "pushes answered 503 or not at all": sum(post.status in {503, None} for post in history.pushes),
        "imports that rules had to tell": len(_expected(history)),
        "digests": len(digests),
        "imports in them": sum(digest.total for digest in digests.values()),
        "polls for rules in the fullest window": max((len(ids) for ids in polls.values()), default=0),
    }


def ill_answered(history: History) -> Findings:
    """A genuine push is accepted, or refused with 503 during a fault; a forged one never is."""
    for post in history.pushes:
        allowed = {NO_SUCH_SIGNATURE, 503, None} if post.kind == FORGED else {ACCEPTED, 503, None}
        if post.status not in allowed:
            yield f"{post.api} answered {post.status} to the {post.kind} push {post.message_id}"
    accepted = {post.message_id for post in history.pushes if post.status == ACCEPTED}
    for message_id in {post.message_id for post in history.pushes if post.kind == GENUINE} - accepted:
        yield f"{message_id} was never accepted"


def untold(history: History) -> Findings:
    """Each import of an accepted push is told by both rules."""
    expected = _expected(history)
    hooked = {attempt.label for attempt in history.told if attempt.receiver == HOOK and _suffices(attempt)}
    for import_id in sorted(expected - hooked):
        yield f"{import_id} was not told to {HOOK}"
    digests = _digests(history, sufficing=True)
    missing = sorted(expected - {import_id for digest in digests.values() for import_id in digest.imports})
    only_counted = sum(digest.total - len(digest.imports) for digest in digests.values())
    for import_id in missing[only_counted:]:
        yield f"{import_id} was in no digest for {ROOM}"


def told_twice(history: History) -> Findings:
    """No import is in two messages of a rule; how often one message is sent is another rule."""
    messages: dict[str, set[str]] = defaultdict(set)
    for attempt in history.told:
        for import_id in attempt.imports:
            message = attempt.webhook_id if attempt.receiver == HOOK else attempt.label
            messages[f"{import_id} to {attempt.receiver}"].add(str(message))
    for told, ids in messages.items():
        if len(ids) > 1:
            yield f"{told} was told in several messages: {sorted(ids)}"
    in_digests = sum(digest.total for digest in _digests(history).values())
    possible = len({post.import_id for post in history.pushes if post.kind == GENUINE})
    if in_digests > possible:
        yield f"digests are about {in_digests} imports, but only {possible} were pushed"


def told_wrongly(history: History) -> Findings:
    """A callback has the true outcome of its import; nothing is told about forged, stale and test messages."""
    endings = {post.import_id: post.ending for post in history.pushes if post.kind == GENUINE}
    for attempt in history.told:
        for import_id in attempt.imports:
            if import_id not in endings:
                yield f"{import_id} was told to {attempt.receiver}, without a genuine push"
            elif attempt.outcome not in {None, endings[import_id]}:
                yield f"{import_id} was told as {attempt.outcome}, and is {endings[import_id]}"


def polled_without_reason(history: History) -> Findings:
    """A forged or stale push causes no request to Rally."""
    kinds: Mapping[str, str] = {post.import_id: post.kind for post in history.pushes}
    for poll in history.polls:
        if kinds.get(poll.import_id) in {FORGED, STALE}:
            yield f"{poll.worker} polled {poll.import_id}, whose push was {kinds[poll.import_id]}"


def beyond_a_quarter(history: History, hidden: Iterable[int] = ()) -> Findings:
    """Imports that only rules watch take at most a quarter of a window, when Rally names the limit."""
    most = max(1, history.window.limit // QUARTER)
    for number, import_ids in sorted(_polls_by_window(history).items()):
        if len(import_ids) > most and number not in hidden:
            start = number * history.window.seconds
            yield f"{len(import_ids)} polls for rules in the window from {start:.0f}, of {history.window.limit}"


def rules(of_attempts: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Return all rules; those `of_attempts` are applied to the messages of rules as well."""
    return {
        "pushes: wrong answers": ill_answered,
        "pushes: imports not told by rules": untold,
        "pushes: imports told twice": told_twice,
        "pushes: told wrongly, or without a push": told_wrongly,
        "pushes: requests to Rally without reason": polled_without_reason,
        **{f"messages of rules: {name}": partial(_about_told, rule) for name, rule in of_attempts.items()},
    }


def _about_told(rule: Rule, history: History) -> Findings:
    return rule(history.of_rules())


def _expected(history: History) -> set[str]:
    return {post.import_id for post in history.pushes if post.kind == GENUINE and post.status == ACCEPTED}


def _suffices(attempt: Attempt) -> bool:
    return attempt.accepted or attempt.may_suffice


def _digests(history: History, *, sufficing: bool = False) -> dict[str, Attempt]:
    """Return the digests by their ids: all that were sent, or those of which an attempt suffices."""
    return {
        attempt.label: attempt
        for attempt in history.told
        if attempt.receiver == ROOM and (_suffices(attempt) or not sufficing)
    }


def _polls_by_window(history: History) -> dict[int, list[str]]:
    """Return the polls of imports that only rules watch, by window."""
    watched = {post.import_id for post in history.posts}
    by_window: dict[int, list[str]] = defaultdict(list)
    pushed = {post.import_id for post in history.pushes if post.kind in {GENUINE, TEST}} - watched
    for poll in history.polls:
        if poll.import_id in pushed:
            by_window[int(poll.at // history.window.seconds)].append(poll.import_id)
    return by_window


def still_owed(pushes: Iterable[PushPost], told: Iterable[Attempt]) -> int:
    """Return how many imports of accepted pushes are not told yet, for the end of a run."""
    sent = tuple(told)
    expected = {post.import_id for post in pushes if post.kind == GENUINE and post.status == ACCEPTED}
    hooked = {attempt.label for attempt in sent if attempt.receiver == HOOK and _suffices(attempt)}
    digests = {attempt.label: attempt.total for attempt in sent if attempt.receiver == ROOM and _suffices(attempt)}
    return len(expected - hooked) + max(0, len(expected) - sum(digests.values()))
