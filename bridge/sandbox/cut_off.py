"""A response that is lost: the server closes the connection in the middle of it."""

from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response, StreamingResponse

PROMISED = "100"
"""The bytes that Content-Length announces."""


def cut_off(headers: Mapping[str, str]) -> Response:
    return StreamingResponse(_first_byte(), headers={**headers, "Content-Length": PROMISED})


async def _first_byte() -> AsyncIterator[bytes]:
    yield b"{"
