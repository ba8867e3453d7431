"""The open watches that a person in Slack may see and stop: their own, and those of the channel they ask in."""

from collections.abc import Iterable, Sequence

from bridge.destinations.slack.escaping import code, neutralized
from bridge.destinations.slack.wording import local_time, pluralized
from bridge.domain.clients import slack_client, slack_user_of
from bridge.domain.destinations import SlackChannel
from bridge.domain.watches import Watch, WatchState
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import DecryptionFailed
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.watch_steps import cancel_watch

MOST = 100
"""The number of watches that are looked at, of a person and of a channel each."""
SHOWN = 20
ID_LIMIT = 80
LABEL_LIMIT = 120


async def list_open(resources: Resources, *, user: str, channel: str) -> Answer:
    """Return the open watches as a list, newest first."""
    watches = await _open(resources, user=user, channel=channel)
    if not watches:
        return Answer(text="There are no open watches of yours, or of this channel.")
    lines = [f"• {_line(watch, user=user, channel=channel)}" for watch in watches[:SHOWN]]
    more = [f"… and {len(watches) - SHOWN} more"] if len(watches) > SHOWN else []
    return Answer(text="\n".join([f"*{pluralized(len(watches), 'open watch', 'open watches')}*", *lines, *more]))


async def stop(resources: Resources, import_id: str, *, user: str, channel: str) -> Answer:
    """End the open watches of an import; `import_id` may also be the id of a watch."""
    watches = await watches_of(resources, import_id, user=user, channel=channel)
    stopped = [watch for watch in watches if await stop_one(resources, watch, user=user)]
    name = code(import_id, ID_LIMIT)
    if not stopped:
        return Answer(text=f"There is no open watch of {name} that is yours or of this channel.")
    return Answer(text=f"Stopped {pluralized(len(stopped), 'watch', 'watches')} of {name}.")


async def stop_one(resources: Resources, watch: Watch, *, user: str) -> bool:
    """End a watch for a user; return False if it had ended already."""
    entry = await resources.watches.index_entry(watch.id)
    return entry is not None and await cancel_watch(resources, watch.id, entry, by=slack_client(user))


async def watches_of(resources: Resources, import_id: str, *, user: str, channel: str) -> list[Watch]:
    """Return the open watches of an import, or the one of this id, that the user may stop in this channel."""
    ids, _ = await resources.indexes.watches_about(
        import_id, client=None, state=WatchState.WATCHING, outcome=None, below=None, limit=MOST
    )
    try:
        one = await resources.watches.get(import_id)
    except DecryptionFailed:
        one = None
    found = [*await resources.watches.many(ids), *([] if one is None else [one])]
    return _visible(found, user=user, channel=channel)


async def _open(resources: Resources, *, user: str, channel: str) -> Sequence[Watch]:
    own = await resources.indexes.watches(
        client=slack_client(user), state=WatchState.WATCHING, outcome=None, below=None, limit=MOST
    )
    here = await resources.slack_channels.watches(channel, MOST)
    ids = sorted({*own, *here}, reverse=True)
    return _visible(await resources.watches.many(ids), user=user, channel=channel)


def _visible(watches: Iterable[Watch], *, user: str, channel: str) -> list[Watch]:
    """Return the open ones that are the user's, or that someone made in Slack for this channel."""
    return [
        watch
        for watch in watches
        if watch.state is WatchState.WATCHING
        and (owner := slack_user_of(watch.client)) is not None
        and (owner == user or channel in channels_of(watch))
    ]


def channels_of(watch: Watch) -> list[str]:
    """Return the channels that a watch tells, except for those of named destinations."""
    return [each.channel for each in watch.notify if isinstance(each, SlackChannel)]


def _line(watch: Watch, *, user: str, channel: str) -> str:
    """Describe a watch: the import, and what the reader does not know already."""
    parts = [code(watch.import_id, ID_LIMIT)]
    if watch.label:
        parts.append(neutralized(watch.label, LABEL_LIMIT))
    if watch.workspace != DEFAULT_WORKSPACE:
        parts.append(f"workspace {neutralized(watch.workspace, LABEL_LIMIT)}")
    if (owner := slack_user_of(watch.client)) != user:
        parts.append(f"by <@{owner}>")
    parts += [f"in <#{each}>" for each in channels_of(watch) if each != channel]
    return " · ".join([*parts, f"since {local_time(watch.created_at)}"])
