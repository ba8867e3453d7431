"""Limits on what a peer may send besides the response body, counted on the raw bytes before parsing.

h11 and httpcore do not limit the number of header fields and informational responses, and parse a trailer section of
100 KB in one step.
"""

import re
from enum import Enum, auto

HEAD_BYTES = 64 * 1024
FIELDS = 200
INFORMATIONAL_RESPONSES = 10

_INFORMATIONAL = re.compile(rb"HTTP/\d\.\d 1(?!01)")
"""The beginning of an informational response. 101 is not one: it is final, because it ends HTTP on the connection."""
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,20}")


class LimitExceeded(Exception):
    """A peer exceeded a limit; the connection must be closed."""


class _Part(Enum):
    HEAD = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    TRAILERS = auto()
    UNCOUNTED = auto()
    """What is not counted, but left to the parser: a body that is not chunked, and anything that is not HTTP."""


class ResponseMeter:
    """Counts the bytes and fields of one response outside its body: informational heads, the final head, trailers."""

    def __init__(self) -> None:
        self._part = _Part.HEAD
        self._line = bytearray()
        self._first_line = True
        self._informational = False
        self._chunked = False
        self._left_of_chunk = 0
        self._bytes = 0
        self._fields = 0
        self._informational_responses = 0

    @property
    def head_ended(self) -> bool:
        """Whether the status and the header fields of the final response have arrived."""
        return self._part is not _Part.HEAD

    def feed(self, data: bytes) -> None:
        """Count further bytes; raise LimitExceeded."""
        start = 0
        while start < len(data) and self._part is not _Part.UNCOUNTED:
            if self._part is _Part.CHUNK:
                start += self._skip(len(data) - start)
                continue
            end = data.find(b"\n", start) + 1
            piece = data[start : end or None]
            start += len(piece)
            self._count_bytes(len(piece))
            self._line += piece
            if end:
                line = bytes(self._line).removesuffix(b"\n").removesuffix(b"\r")
                self._line.clear()
                self._part = self._after(line)

    def _skip(self, arrived: int) -> int:
        skipped = min(arrived, self._left_of_chunk)
        self._left_of_chunk -= skipped
        if not self._left_of_chunk:
            self._part = _Part.CHUNK_SIZE
        return skipped

    def _count_bytes(self, count: int) -> None:
        if self._part is _Part.CHUNK_SIZE:
            return
        self._bytes += count
        if self._bytes > HEAD_BYTES:
            raise LimitExceeded(f"more than {HEAD_BYTES // 1024} KB of header fields")

    def _after(self, line: bytes) -> _Part:
        """Count a line, and return the part that follows it."""
        match self._part:
            case _Part.CHUNK_SIZE:
                return self._after_chunk_size(line)
            case part if line and self._first_line:
                self._first_line = False
                self._informational = _INFORMATIONAL.match(line) is not None
                return part
            case part if line:
                self._count_field(line)
                return part
            case _Part.HEAD if self._informational:
                self._count_informational()
                self._first_line = True
                return _Part.HEAD
            case _Part.HEAD if self._chunked:
                return _Part.CHUNK_SIZE
            case _:
                return _Part.UNCOUNTED

    def _after_chunk_size(self, line: bytes) -> _Part:
        size = _CHUNK_SIZE.match(line)
        if size is None:
            return _Part.UNCOUNTED
        if not (length := int(size[0], 16)):
            return _Part.TRAILERS
        self._left_of_chunk = length + len(b"\r\n")
        return _Part.CHUNK

    def _count_field(self, line: bytes) -> None:
        self._fields += 1
        if self._fields > FIELDS:
            raise LimitExceeded(f"more than {FIELDS} header fields")
        self._chunked |= line.lower().startswith(b"transfer-encoding")

    def _count_informational(self) -> None:
        self._informational_responses += 1
        if self._informational_responses > INFORMATIONAL_RESPONSES:
            raise LimitExceeded(f"more than {INFORMATIONAL_RESPONSES} informational responses")
