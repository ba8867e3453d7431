"""The limits on heads and trailers of responses: the count does not depend on how the bytes are split."""

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.http.response_limits import LimitExceeded, ResponseMeter

EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def is_within(sent: bytes, *cuts: int) -> bool:
    meter = ResponseMeter()
    places = [0, *sorted(cut % (len(sent) + 1) for cut in cuts), len(sent)]
    try:
        for start, end in pairwise(places):
            meter.feed(sent[start:end])
    except LimitExceeded:
        return False
    return True


CUTS = st.lists(st.integers(0, 100_000), max_size=8)


@pytest.mark.parametrize(
    ("sent", "within"),
    [
        (OK + b"a: b\r\n" * 200 + b"\r\n" + b"a: b\r\n" * 10_000, True),
        (OK + b"a: b\r\n" * 201, False),
        (OK + b"a: b\n" * 201, False),
        (EARLY * 10 + OK + b"\r\n", True),
        (EARLY * 11, False),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + EARLY * 11, True),
        (OK + b"a: " + b"b" * 65_000 + b"\r\n\r\n", True),
        (OK + b"a: " + b"b" * 66_000, False),
        (CHUNKED + b"5\r\nb\r\n\r\n\r\n0\r\n" + b"a: b\r\n" * 199 + b"\r\n", True),
        (CHUNKED + b"5;x=y\r\nb\r\n\r\n\r\n0\r\n" + b"a: b\r\n" * 200, False),
        (CHUNKED + b"1\r\nx\r\n" * 1_000 + b"0\r\n\r\n", True),
        (CHUNKED + b"ffffffffffffffff\r\n" + b"a: b\r\n" * 10_000, True),
        (CHUNKED + b"no size\r\n" + b"a: b\r\n" * 10_000, True),
        (b"\r\n" * 1_000, True),
        (b"", True),
    ],
)
@given(cuts=CUTS)
def test_a_response_beyond_the_limits_is_found_however_it_is_split(sent: bytes, within: bool, cuts: list[int]) -> None:  # noqa: FBT001 - a table
    assert is_within(sent, *cuts) is within


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=20),
    trailers=st.integers(0, 250),
    early=st.integers(0, 12),
    cuts=CUTS,
)
def test_bytes_are_counted_as_the_parser_reads_them(
    chunks: list[bytes], trailers: int, early: int, cuts: list[int]
) -> None:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    sent = EARLY * early + CHUNKED + framed + b"0\r\n" + b"t: x\r\n" * trailers + b"\r\n"
    events = parsed(sent)
    informational = sum(isinstance(event, h11.InformationalResponse) for event in events)
    fields = sum(len(event.headers) for event in events if isinstance(event, HEADED))

    assert is_within(sent, *cuts) is (informational <= 10 and fields <= 200)


HEADED = h11.InformationalResponse | h11.Response | h11.EndOfMessage


def parsed(sent: bytes) -> list[object]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(sent)
    events: list[object] = []
    while not events or not isinstance(events[-1], h11.EndOfMessage):
        events.append(connection.next_event())
    return events


@pytest.mark.parametrize(
    ("sent", "ended"), [(b"", False), (OK + b"a: b\r\n", False), (EARLY, False), (OK + b"\r\n", True), (CHUNKED, True)]
)
def test_only_the_final_response_ends_the_head(sent: bytes, ended: bool) -> None:  # noqa: FBT001 - a table
    meter = ResponseMeter()
    meter.feed(sent)

    assert meter.head_ended is ended
