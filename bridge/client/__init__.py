"""The Python client: watch imports, wait until they end, verify callbacks.

from bridge.client import Bridge
bridge = Bridge()  # RALLY_BRIDGE_URL, RALLY_BRIDGE_KEY
watch = bridge.wait(bridge.watch("cm1uwhduy001vle4gr4soyqkq"))
print(watch.outcome)
"""

from bridge.client.asynchronous import AsyncBridge
from bridge.client.blocking import Bridge
from bridge.client.callbacks import NotVerified, verify_callback
from bridge.client.errors import (
    CallFailed,
    Conflict,
    FieldError,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    ValidationFailed,
    WaitTimeout,
)
from bridge.client.events import Event
from bridge.client.values.attempt import Attempt
from bridge.client.values.delivery import Delivery
from bridge.client.values.destinations import Callback, Destination, Named, On, Slack, SlackWebhook
from bridge.client.values.failed_record import FailedRecord
from bridge.client.values.history import History, HistoryEntry
from bridge.client.values.last_poll import LastPoll
from bridge.client.values.literals import DeliveryState, Outcome, State, WaitReason
from bridge.client.values.named_destination import NamedDestination
from bridge.client.values.reading import Reading
from bridge.client.values.test_result import TestResult
from bridge.client.values.waiting_for import WaitingFor
from bridge.client.values.watch import Watch
from bridge.client.values.watch_request import WatchRequest
from bridge.client.values.watched_destination import WatchedDestination

__all__ = [
    "AsyncBridge",
    "Attempt",
    "Bridge",
    "CallFailed",
    "Callback",
    "Conflict",
    "Delivery",
    "DeliveryState",
    "Destination",
    "Event",
    "FailedRecord",
    "FieldError",
    "History",
    "HistoryEntry",
    "LastPoll",
    "Named",
    "NamedDestination",
    "NotFound",
    "NotVerified",
    "On",
    "Outcome",
    "RateLimited",
    "Reading",
    "Slack",
    "SlackWebhook",
    "State",
    "TestResult",
    "Unauthorized",
    "Unavailable",
    "ValidationFailed",
    "WaitReason",
    "WaitTimeout",
    "WaitingFor",
    "Watch",
    "WatchRequest",
    "WatchedDestination",
    "verify_callback",
]
