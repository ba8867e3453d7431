"""Record sets: all failed records of one reading, of which the reading itself has only the first."""

import hashlib
from collections.abc import Iterable

from bridge.domain.imports import FailedRecord

LARGEST_SET_KEPT = 10_000
"""The most failed records of an import that are stored; more are read from Rally when someone asks for them."""
ID_LENGTH = 32


def record_set_id(records: Iterable[FailedRecord]) -> str:
    """Return an id that depends on all records and their order, so that equal sets have equal ids."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(repr((record.person_id, record.email)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:ID_LENGTH]
