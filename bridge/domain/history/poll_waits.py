"""What an open watch waits for: the next poll of its import, or why there is none now."""

from dataclasses import dataclass, replace

from bridge.domain.history.standstill import Service, standstill
from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.polling.budget import Budget, Grant, grant
from bridge.domain.polling.budget_usage import usage_in_words, usage_of
from bridge.domain.times import SECOND, Moment, Span
from bridge.domain.watches import Watch

OVERDUE_AFTER: Span = 5 * SECOND
"""A poll that is due for longer waits for its turn in the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How the import of a watch is polled."""

    next_due: Moment | None
    """None if it is not polled any more."""
    polled_at: Moment | None = None
    by_rule: bool = False
    """Whether only rules watch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The present state of a workspace, from which it follows when it may be polled."""

    name: str
    budget: Budget
    share: float = 1.0
    """The part of the rate limit that is ours."""
    configured: bool = True


def waiting_for_poll(
    watch: Watch, polling: Polling | None, workspace: Workspace, service: Service, now: Moment
) -> WaitingFor:
    """Return what an open watch waits for; `polling` is None if its import is not polled at all."""
    if (stopped := standstill(service)) is not None:
        return stopped
    if not workspace.configured:
        return WaitingFor(
            reason=WaitReason.WORKSPACE_UNKNOWN,
            since=None,
            until=None,
            detail=f"the workspace {workspace.name} is not configured any more, so its imports are not polled",
        )
    next_poll = waiting_when_accepted(watch, polling)
    if next_poll.reason is WaitReason.SETTLING or polling is None:
        return next_poll
    return _pause(workspace.budget, next_poll, now) or _budget(workspace, polling, next_poll, now) or next_poll


def waiting_when_accepted(watch: Watch, polling: Polling | None) -> WaitingFor:
    """Return what an open watch waits for if nothing unusual delays the next poll of its import."""
    polled_at = None if polling is None else polling.polled_at
    if polling is None or polling.next_due is None:
        detail = "the import has ended; the outcome is being written"
        return WaitingFor(reason=WaitReason.SETTLING, since=polled_at, until=None, detail=detail)
    return WaitingFor(
        reason=WaitReason.NEXT_POLL,
        since=max(watch.created_at, polled_at or 0),
        until=polling.next_due,
        detail="the first poll of the import" if polled_at is None else "the next poll of the import",
    )


def _pause(budget: Budget, next_poll: WaitingFor, now: Moment) -> WaitingFor | None:
    """Return the wait for the end of a pause of the whole workspace; None if it does not delay the poll."""
    due = next_poll.until or now
    until = max(due, budget.paused_until)
    if (since := budget.key_refused_since) is not None:
        detail = "Rally refuses the API key of the workspace; one poll a minute tests it"
        return WaitingFor(reason=WaitReason.KEY_REFUSED, since=since, until=until, detail=detail)
    if (since := budget.vanished_since) is not None:
        detail = "Rally shows none of the imports that it showed before; one poll a minute looks for them"
        return WaitingFor(reason=WaitReason.IMPORTS_VANISHED, since=since, until=until, detail=detail)
    if budget.breaker_open:
        since = budget.failing_since or budget.breaker_open_since
        detail = "Rally gives no usable answers; one poll at a time tests it"
        return WaitingFor(reason=WaitReason.RALLY_DOWN, since=since, until=until, detail=detail)
    if budget.paused_until > max(due, now):
        detail = "Rally answered that its rate limit is used up; nothing is polled until it allows calls again"
        return WaitingFor(reason=WaitReason.RALLY_PAUSE, since=budget.over_limit_since, until=until, detail=detail)
    return None


def _budget(workspace: Workspace, polling: Polling, next_poll: WaitingFor, now: Moment) -> WaitingFor | None:
    """Return the wait for the rate limit; None if it does not delay the poll."""
    due = next_poll.until or now
    granted = grant(workspace.budget, now, in_flight=0, share=workspace.share)
    usage = usage_of(workspace.budget, now, share=workspace.share)
    used = "" if usage is None else f": {usage_in_words(usage)}"
    waits = replace(next_poll, reason=WaitReason.BUDGET, since=due)
    if usage is not None and not usage.left_to_us and granted.again_at > due:
        return replace(waits, until=granted.again_at, detail=f"Rally's rate limit leaves us no call{used}")
    if polling.by_rule and usage is not None and granted.rules_left <= 0 and granted.rules_again_at > due:
        detail = f"the share of rules in Rally's rate limit is used up{used}"
        return replace(waits, until=granted.rules_again_at, detail=detail)
    if now - due > OVERDUE_AFTER:
        detail = f"more imports are due than Rally's rate limit allows to poll at once{used}"
        return replace(waits, until=_next_turn(granted, now), detail=detail)
    return None


def _next_turn(granted: Grant, now: Moment) -> Moment:
    return now if granted.count > 0 else granted.again_at
