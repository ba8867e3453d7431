"""Server-sent events: however the bytes arrive."""

import pytest

from bridge.client.event_stream import EventDecoder
from bridge.client.steps import ServerEvent

STREAM = (
    ": keep-alive\n\n"
    'event: watch\ndata: {"label": "Pänel\u2028\x85"}\n\n'
    "id: 7\r\nevent: outcome\r\ndata: 1\r\ndata: 2\r\n\r\n"
    "event: empty\n\n"
    "data:unnamed\n\n"
    "event: cut off\ndata: x"
).encode()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_read_from_chunks_of_any_size(size: int) -> None:
    decoder = EventDecoder()
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in decoder.feed(chunk)] == [
        ServerEvent("watch", '{"label": "Pänel\u2028\x85"}'),
        ServerEvent("outcome", "1\n2"),
        ServerEvent("message", "unnamed"),
    ]
