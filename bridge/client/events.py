"""The events of a watch, as they happen."""

import json
from dataclasses import dataclass
from random import random

from bridge.client import requests
from bridge.client.answers import UNREADABLE
from bridge.client.errors import CallFailed
from bridge.client.exchange import Session, exchange
from bridge.client.retries import next_pause, with_jitter
from bridge.client.steps import Feed, Item, ServerEvent, next_event, pause
from bridge.client.values.delivery import Delivery
from bridge.client.values.last_poll import LastPoll
from bridge.client.values.literals import EventName
from bridge.client.values.reading import Reading
from bridge.client.values.waiting_for import WaitingFor
from bridge.client.values.watch import Watch

RECONNECT_PAUSE = 1.0
"""Seconds before a stream that has ended early is opened again; more if it brought nothing but a snapshot."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a watch. Its name says what `data` is.

    watch     a Watch: its state when the stream begins, and again after each reconnection
    reading   a Reading: the state of the import, when it has changed
    poll      a LastPoll: what the last poll has found, when that has changed
    waiting   a WaitingFor: what the watch waits for, when the reason or the destination has changed
    outcome   a Watch that has ended
    delivery  a Delivery that has ended
    """

    name: EventName
    data: Watch | Reading | LastPoll | WaitingFor | Delivery


def watch_events(session: Session, watch: Watch | str) -> Feed[Event]:
    """Yield the events of a watch, given by itself or its id, until it and its deliveries have ended.

    Reconnect if the connection breaks.
    """
    request = requests.watch_events(watch)
    pending: set[str] | None = None
    usual = RECONNECT_PAUSE
    while pending is None or pending:
        yield from exchange(session, request)
        received = 0
        while isinstance(event := (yield from next_event()), ServerEvent):
            received += 1
            if read := _read_event(event, session):
                pending = _still_pending(pending, read)
                yield Item(read)
        if pending is None or pending:
            usual = RECONNECT_PAUSE if received > 1 else usual
            yield from pause(with_jitter(usual, random()))  # noqa: S311 - only spreads clients
            usual = next_pause(usual)


def _read_event(event: ServerEvent, session: Session) -> Event | None:
    """Return an event; None if this version of the client does not know its name."""
    try:
        match event.name:
            case "watch" | "outcome" as name:
                return Event(name, Watch.of(json.loads(event.data)))
            case "reading":
                return Event("reading", Reading.of(json.loads(event.data)))
            case "poll":
                return Event("poll", LastPoll.of(json.loads(event.data)))
            case "waiting":
                return Event("waiting", WaitingFor.of(json.loads(event.data)))
            case "delivery":
                return Event("delivery", Delivery.of(json.loads(event.data)))
            case _:
                return None
    except (AttributeError, LookupError, TypeError, ValueError):
        raise CallFailed(f"{session.server} sent an event that we can't read.", code=UNREADABLE) from None


def _still_pending(pending: set[str] | None, event: Event) -> set[str] | None:
    """Return the ids of the deliveries that have not ended after an event; None while the watch has not ended."""
    match event.data:
        case Watch(ended=True, deliveries=deliveries):
            return {each.id for each in deliveries if each.state == "pending"}
        case Delivery(id=id_) if pending is not None:
            return pending - {id_}
        case _:
            return pending
