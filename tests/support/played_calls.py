"""The client's calls without a network: prepared answers, and a clock that only the call itself moves."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.client.answers import Answer, Answered, NoAnswer, Reason, Server
from bridge.client.exchange import Session
from bridge.client.requests import Request
from bridge.client.steps import Call, Feed, Item, NextEvent, Pause, Reply, Resumed, Send, ServerEvent, Step

T = TypeVar("T")

WATCH: dict[str, Any] = {
    "id": "wat_1",
    "importId": "imp",
    "workspace": "default",
    "state": "watching",
    "outcome": None,
    "reason": None,
    "warning": None,
    "label": None,
    "metadata": {},
    "import": None,
    "polls": 0,
    "lastPolledAt": None,
    "lastPoll": None,
    "nextPollAt": None,
    "createdBy": "crm",
    "createdAt": "2026-11-24T09:30:00.000Z",
    "expiresAt": "2026-11-25T09:30:00.000Z",
    "settledAt": None,
    "notify": [],
    "deliveries": [],
}
ENDED = {**WATCH, "state": "settled", "outcome": "completed", "settledAt": "2026-11-24T09:31:00.000Z"}
READING: dict[str, Any] = {
    "importId": "imp",
    "type": "CSV",
    "status": "COMPLETED",
    "personCount": 120,
    "failedRecordCount": 2,
    "failedRecords": [{"personId": "p1"}, {"email": "ada@example.com"}],
    "updatedAt": None,
}
DELIVERY: dict[str, Any] = {
    "id": "dlv_1",
    "type": "callback",
    "destination": "https://…",
    "state": "pending",
    "attempts": 1,
    "nextAttemptAt": None,
    "lastReason": None,
    "endedAt": None,
}
DELIVERED = {**DELIVERY, "state": "delivered"}


@dataclass(frozen=True)
class Prepared:
    """An answer of the server, or the reason why there is none, after some seconds; events for a stream."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: Reason | None = None
    took: float = 0.0
    events: tuple[ServerEvent, ...] = ()


def answer(document: Any, status: int = 200, **headers: str) -> Prepared:
    return Prepared(status, document, {name.replace("_", "-"): value for name, value in headers.items()})


def busy(status: int = 503, after: str | None = None) -> Prepared:
    return Prepared(status, {"title": "Temporarily unavailable"}, {} if after is None else {"retry-after": after})


def nothing(reason: Reason, *, took: float = 0.0) -> Prepared:
    return Prepared(reason=reason, took=took)


def stream(*events: tuple[str, Any]) -> Prepared:
    found = tuple(ServerEvent(name, json.dumps(data)) for name, data in events)
    return Prepared(headers={"content-type": "text/event-stream"}, events=found)


class Played:
    """A server with prepared answers, one for each request, and a client's session with it."""

    def __init__(self, *answers: Prepared, patience: float = 75.0, reached: bool = True) -> None:
        self._answers = iter(answers)
        self._events: Iterator[ServerEvent] = iter(())
        self.session = Session(
            server=Server(url="http://bridge"), patience=patience, connect_timeout=5.0, reached=reached
        )
        self.requests: list[Request[Any]] = []
        self.pauses: list[float] = []
        self.now = 1000.0

    def run(self, call: Call[T]) -> T:
        try:
            step = next(call)
            while True:
                step = call.send(self._perform(step))
        except StopIteration as end:
            value: T = end.value
            return value

    def iterate(self, feed: Feed[T]) -> Iterator[T]:
        step = next(feed, None)
        while step is not None:
            if isinstance(step, Item):
                yield step.value
                reply: Reply = self._resumed()
            else:
                reply = self._perform(step)
            try:
                step = feed.send(reply)
            except StopIteration:
                return

    def _perform(self, step: Step) -> Reply:
        match step:
            case Pause(seconds):
                self.now += seconds
                self.pauses += [seconds] if seconds else []
                return self._resumed()
            case Send(request):
                self.requests.append(request)
                return self._answered(next(self._answers))
            case NextEvent():
                ended = NoAnswer(reason="broken", words="ended", began=self.now, at=self.now)
                return next(self._events, ended)

    def _answered(self, prepared: Prepared) -> Answer:
        began, self.now = self.now, self.now + prepared.took
        if prepared.reason is not None:
            return NoAnswer(reason=prepared.reason, words=prepared.reason, began=began, at=self.now)
        self._events = iter(prepared.events)
        return Answered(
            status=prepared.status,
            headers=prepared.headers,
            content=json.dumps(prepared.document).encode(),
            began=began,
            at=self.now,
            moment=self._resumed().moment,
        )

    def _resumed(self) -> Resumed:
        return Resumed(at=self.now, moment=round(self.now * 1000))
