"""The text and the facts of each notice to the operator, except those about rules, and of a test message."""

from bridge.domain.notices.notices import Notice
from bridge.domain.notices.workspace_events import WorkspaceEvent
from bridge.domain.rules.push_proof import SILENT_AFTER
from bridge.domain.times import Moment, rfc3339


def deliveries_abandoned(
    number: int, destination: str, reason: str | None, now: Moment, *, delivery_id: str | None = None
) -> Notice:
    """Build the notice about abandoned deliveries; `destination`, `reason` and the id are those of the first."""
    what = "A message was abandoned" if number == 1 else f"{number:,} messages were abandoned, the first of them"
    show = "" if delivery_id is None else f"`rally-bridge why {delivery_id}` says what to do; "
    return Notice(
        type="delivery.abandoned",
        at=now,
        text=f"{what}: to {destination}, {reason or 'no reason known'}. None is sent again by itself."
        f" {show}`rally-bridge deliveries --state abandoned` lists all.",
        facts={"count": str(number), "destination": destination, "reason": reason or ""},
    )


def slack_token_refused(reason: str, now: Moment) -> Notice:
    return Notice(
        type="slack.refused",
        at=now,
        text=f"Slack refuses the bot's token: {reason}. Messages to Slack channels wait until it is replaced.",
        facts={"reason": reason},
    )


def redis_evicts(problem: str, now: Moment) -> Notice:
    return Notice(type="redis.evicting", at=now, text=f"Redis may lose watches: {problem}.", facts={"problem": problem})


def redis_evicts_no_more(now: Moment) -> Notice:
    return Notice(type="redis.eviction_ended", at=now, text="Redis keeps every watch again; some may have been lost.")


def pushes_silent(workspace: str, type_: str, now: Moment) -> Notice:
    """Build the notice that pushes of a type have stopped, although imports of the type ended."""
    return Notice(
        type="push.silent",
        at=now,
        text=f"Rally no longer pushes the end of {type_} imports of the workspace “{workspace}”: at least the last"
        f" {SILENT_AFTER} ended without a push. The bridge polls them as often as it does without pushes, but its rules"
        " hear of none. The endpoint may be disabled: enable it in Rally's webhook settings, then recover its failed"
        " messages.",
        facts={"workspace": workspace, "importType": type_},
    )


def key_refused(workspace: str, since: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.KEY_REFUSED.value,
        at=since,
        text=f"Rally refuses the API key of the workspace “{workspace}”. Its watches stay open; polling is paused."
        " Set a valid key, RALLY_API_KEY or `key` of the workspace in bridge.toml, and restart all processes.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def key_accepted(workspace: str, refused_since: Moment, now: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.KEY_ACCEPTED.value,
        at=now,
        text=f"Rally accepts the API key of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "refusedSince": rfc3339(refused_since)},
    )


def imports_vanished(workspace: str, since: Moment, at: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.IMPORTS_VANISHED.value,
        at=at,
        text=f"Rally no longer shows the imports of the workspace “{workspace}” (404 or 403). Check its base URL and"
        " what its API key may see. Its watches stay open; polling is paused.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def imports_shown(workspace: str, vanished_since: Moment, now: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.IMPORTS_SHOWN.value,
        at=now,
        text=f"Rally shows imports of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "vanishedSince": rfc3339(vanished_since)},
    )


def test_message(client: str, now: Moment) -> Notice:
    return Notice(
        type="watch.test",
        at=now,
        text=f"This is a test that “{client}” asked for: messages of rally-bridge arrive here.",
        client=client,
    )
