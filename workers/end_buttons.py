"""The buttons of the message about an end: only those that do something there."""

from bridge.destinations.egress.permissions import may_use
from bridge.destinations.slack.buttons import failed_records_button, send_again_button, with_buttons
from bridge.domain.clients import Client
from bridge.domain.destinations import Destination, SlackChannel


def with_end_buttons(
    body: str, watch_id: str, destination: Destination, *, told: int, readable: bool, team: Client | None
) -> str:
    """Return a rendered message with its buttons.

    `told` is the number of destinations that are told; with one alone, nothing else could be sent again. `readable`:
    there are failed records, and people who may read them. `team` is the Slack workspace whose people may use buttons,
    in the channels that are open to it.
    """
    if team is None or not isinstance(destination, SlackChannel) or not may_use(team.permissions, destination):
        return body
    buttons = [failed_records_button(watch_id)] if readable else []
    if told > 1:
        buttons.append(send_again_button(watch_id))
    return with_buttons(body, *buttons) if buttons else body
