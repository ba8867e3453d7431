"""The buttons of the message about an end: only those that do something there."""

from bridge.destinations.egress.permissions import may_use
from bridge.destinations.slack.buttons import send_again_button, with_buttons
from bridge.domain.clients import Client
from bridge.domain.destinations import Destination, SlackChannel


def with_end_buttons(body: str, watch_id: str, destination: Destination, *, told: int, team: Client | None) -> str:
    """Return a rendered message with its buttons.

    `told` is the number of destinations that are told; with one alone, nothing else could be sent again. `team` is the
    Slack workspace whose people may use buttons, in the channels that are open to it.
    """
    usable = team is not None and isinstance(destination, SlackChannel) and may_use(team.permissions, destination)
    return with_buttons(body, send_again_button(watch_id)) if usable and told > 1 else body
