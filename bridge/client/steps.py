"""What a call does, as values: a call yields steps, and its shell carries them out and sends back what they led to.

A call is a generator, so that its decisions are written once, for `Bridge` and `AsyncBridge` alike. It does no I/O and
reads no clock.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from bridge.client.answers import Answer, Answered, NoAnswer
from bridge.client.requests import Request
from bridge.domain.times import Moment

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the reply is an Answer. One that `streams` is left open, and its content is empty."""

    request: Request[Any]


@dataclass(frozen=True, slots=True)
class NextEvent:
    """Read from the open stream; the reply is a ServerEvent, or NoAnswer if the stream has ended or broken."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; the reply is Resumed."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Item(Generic[T_co]):
    """A step that yields one value to the program that iterates over the call; it is answered by Resumed."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Resumed:
    """The time at which a call continues: `at` is monotonic, in seconds, and `moment` is the wall clock's."""

    at: float
    moment: Moment


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """A server-sent event."""

    name: str
    data: str


Step: TypeAlias = Send | NextEvent | Pause
Reply: TypeAlias = Answered | NoAnswer | Resumed | ServerEvent
Call: TypeAlias = Generator[Step, Reply, T]
"""A call that returns one value."""
Feed: TypeAlias = Generator[Step | Item[T], Reply, None]
"""A call that yields values, for a loop."""


def send(request: Request[Any]) -> Call[Answer]:
    reply = yield Send(request)
    assert isinstance(reply, Answered | NoAnswer)  # noqa: S101 - what a shell replies to this step
    return reply


def next_event() -> Call[ServerEvent | NoAnswer]:
    reply = yield NextEvent()
    assert isinstance(reply, ServerEvent | NoAnswer)  # noqa: S101 - as above
    return reply


def pause(seconds: float) -> Call[Resumed]:
    reply = yield Pause(seconds)
    assert isinstance(reply, Resumed)  # noqa: S101 - as above
    return reply
