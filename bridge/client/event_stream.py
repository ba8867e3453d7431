"""Server-sent events from the bytes of a response.

Only what a bridge sends is read: names and data. httpx's own lines don't fit, as they end at U+2028 as well.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from collections.abc import Iterator

from bridge.client.steps import ServerEvent


class EventDecoder:
    """Decodes the chunks of one response into events; keeps what is incomplete until the next chunk."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = "message"
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that a chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if event := self._read_line(line.removesuffix(b"\r").decode(errors="replace")):
                yield event

    def _read_line(self, line: str) -> ServerEvent | None:
        """Return the event that a line completes; only an empty line does."""
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "" if not line:
                return self._complete()
        return None

    def _complete(self) -> ServerEvent | None:
        event = ServerEvent(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data = "message", []
        return event
