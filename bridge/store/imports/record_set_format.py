"""A record set as stored: JSON lines, compressed. It is read line by line, so that a large one needs little memory."""

import gzip
import json
from collections.abc import Iterable, Iterator
from io import BytesIO

from pydantic_core import to_json

from bridge.domain.imports import FailedRecord

COMPRESSION = 1
"""The fastest level: ids are random, so a higher one saves little."""


def compress(records: Iterable[FailedRecord]) -> bytes:
    lines = b"\n".join(to_json([record.email, record.person_id]) for record in records)
    return gzip.compress(lines, COMPRESSION, mtime=0)


def read_lines(compressed: bytes) -> Iterator[FailedRecord]:
    """Yield the records of a compressed set."""
    with gzip.open(BytesIO(compressed)) as lines:
        for line in lines:
            email, person_id = json.loads(line)
            yield FailedRecord(person_id=person_id, email=email)
