"""The open watches that a person in Slack may see and stop: their own, and those of the channel they ask in."""

import re
from collections.abc import Iterable

from bridge.destinations.slack.escaping import code, neutralized
from bridge.destinations.slack.wording import local_time, pluralized
from bridge.domain.clients import slack_client, slack_user_of
from bridge.domain.destinations import SlackChannel
from bridge.domain.watches import Watch, WatchState
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.resources import Resources
from bridge.web.slack.answers import Answer
from bridge.web.watches.watch_steps import cancel_watch

MOST = 100
"""The number of watches that are looked at, of a person and of a channel each."""
SHOWN = 20
WATCH_ID = re.compile(r"wat_[0-9A-Za-z]{1,40}")
ID_LIMIT = 80
LABEL_LIMIT = 120


async def list_open(resources: Resources, *, user: str, channel: str) -> Answer:
    """Return the newest open watches as a list."""
    watches = await _open(resources, user=user, channel=channel)
    if not watches:
        return Answer(text="There are no open watches of yours, or of this channel.")
    lines = [f"• {_line(watch, user=user, channel=channel)}" for watch in watches[:SHOWN]]
    more = len(watches) > SHOWN
    head = f"The newest {SHOWN} open watches" if more else pluralized(len(watches), "open watch", "open watches")
    return Answer(text="\n".join([f"*{head}*", *lines]))


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
    found = await resources.watches.many(ids)
    if WATCH_ID.fullmatch(import_id):
        found += await resources.watches.many([import_id])
    return _visible(found, user=user, channel=channel)


async def _open(resources: Resources, *, user: str, channel: str) -> list[Watch]:
    """Return the newest open watches, one more than are shown; few are decrypted, which takes time.

    Those of the channel that have ended are removed from its index.
    """
    own = await resources.indexes.watches(
        client=slack_client(user), state=WatchState.WATCHING, outcome=None, below=None, limit=MOST
    )
    here = await resources.slack_channels.watches(channel, MOST)
    ids = sorted({*own, *here}, reverse=True)
    found: list[Watch] = []
    for first in range(0, len(ids), SHOWN + 1):
        chunk = await resources.watches.many(ids[first : first + SHOWN + 1])
        ended = [each.id for each in chunk if each.state is not WatchState.WATCHING]
        await resources.slack_channels.remove(channel, ended)
        found += _visible(chunk, user=user, channel=channel)
        if len(found) > SHOWN:
            break
    return found


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
