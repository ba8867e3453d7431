"""What the button "Send again" sends again, and where to."""

from collections.abc import Iterable, Sequence

from bridge.destinations.descriptions import describe
from bridge.destinations.egress.client_permissions import may_use
from bridge.destinations.slack.escaping import neutralized
from bridge.destinations.slack.wording import pluralized
from bridge.domain.clients import Permissions
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Destination, SlackChannel

PLACE_LIMIT = 80
MOST_PLACES = 5
"""The number of places that an answer names."""


def resendable(deliveries: Iterable[Delivery], permissions: Permissions) -> list[Delivery]:
    """Return the deliveries that a click sends again.

    They were abandoned, were no parts of a digest, and have destinations that people in Slack may use.
    """
    abandoned = (each for each in deliveries if each.state is DeliveryState.ABANDONED and not each.in_digest)
    return [each for each in abandoned if may_use(permissions, each.destination)]


def place_on_button(destinations: Sequence[Destination]) -> str:
    """Return where messages go to, in a few words without formatting."""
    match destinations:
        case [SlackChannel()]:
            return "another channel"
        case [destination]:
            return _short(destination)
        case _:
            return pluralized(len(destinations), "destination", "destinations")


def places(destinations: Iterable[Destination]) -> str:
    """Return where messages go to, as words of a sentence."""
    named = list(dict.fromkeys(map(_place, destinations)))
    shown = named[:MOST_PLACES]
    if len(named) > MOST_PLACES:
        shown.append(f"{len(named) - MOST_PLACES} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _place(destination: Destination) -> str:
    if isinstance(destination, SlackChannel):
        return f"<#{destination.channel}>"
    return neutralized(_short(destination), PLACE_LIMIT)


def _short(destination: Destination) -> str:
    """Return the host of a URL, or the name of a destination."""
    described = describe(destination)
    return described.partition("://")[2].removesuffix("/…") or described
