"""The confirmation of a watch that a person has asked for in Slack: shown by the app in the channel of the watch."""

from dataclasses import dataclass, field
from time import time

from bridge.destinations.egress.client import Egress
from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.buttons import actions, stop_button
from bridge.destinations.slack.ephemeral import NotShown, Showing, Shown, Unclear, judge_showing, prepare
from bridge.destinations.slack.escaping import code, mrkdwn, neutralized
from bridge.domain.destinations import SlackChannel
from bridge.domain.times import SECOND

REASON_LIMIT = 300
ID_LIMIT = 80
LABEL_LIMIT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A watch to be confirmed: who has asked for it, where, and what it is about."""

    watch_id: str
    user: str
    destination: SlackChannel
    import_id: str
    label: str | None = field(repr=False)


async def show(confirmation: Confirmation, egress: Egress, bot: SlackBot | None) -> Showing:
    """Show the confirmation to the person who asked, with a button that ends the watch."""
    if bot is None:
        return NotShown("SLACK_BOT_TOKEN is not set")
    text = _confirmed(confirmation)
    blocks = [{"type": "section", "text": mrkdwn(text)}, actions(stop_button(confirmation.watch_id))]
    channel, payload = confirmation.destination.channel, {"text": text, "blocks": blocks}
    answer = await egress.send(prepare(channel, confirmation.user, payload, bot))
    return judge_showing(answer, int(time() * SECOND))


def said_beside(confirmation: Confirmation, showing: Showing) -> str | None:
    """Return what the person must be told in another way; None if Slack has shown the confirmation."""
    match showing:
        case Shown():
            return None
        case Unclear():
            return _confirmed(confirmation)
        case NotShown():
            return _refused(confirmation, showing)


def _confirmed(confirmation: Confirmation) -> str:
    name = code(confirmation.import_id, ID_LIMIT)
    label = f" · {neutralized(confirmation.label, LABEL_LIMIT)}" if confirmation.label else ""
    told = "when it ends" if confirmation.destination.on is None else "if it does not complete without problems"
    is_live = confirmation.destination.live is not None
    progress = " Its progress is shown here if it runs for more than a minute." if is_live else ""
    return f"👀 Watching {name}{label}. This channel is told {told}.{progress}"


def _refused(confirmation: Confirmation, refused: NotShown) -> str:
    name = code(confirmation.import_id, ID_LIMIT)
    if refused.not_invited:
        return f"⚠️ {name} is not watched: I am not in this channel. Invite me (`/invite` and my name), then ask again."
    if refused.not_member:
        return f"⚠️ {name} is not watched: you are not in that channel. Join it, then ask again."
    return f"⚠️ {name} is not watched: I can't post in this channel. {neutralized(refused.reason, REASON_LIMIT)}."
