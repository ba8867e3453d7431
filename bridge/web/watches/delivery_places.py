"""Where deliveries go, as a reader may know it."""

from bridge.destinations.descriptions import describe
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.resources import Resources


def place_of(resources: Resources, delivery: Delivery) -> str:
    """Return where a delivery goes, without secrets; of a URL also the fingerprint."""
    destination = delivery.destination
    is_url = isinstance(destination, SlackWebhook | Callback)
    return f"{describe(destination)} ({resources.fingerprint(destination)})" if is_url else describe(destination)
