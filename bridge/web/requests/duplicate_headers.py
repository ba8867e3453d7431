"""Headers that a request may contain only once: of two values, a proxy may have read the other one."""

from collections import Counter
from collections.abc import Sequence

from bridge.web.refusals import Refusal, Refused

SINGLE_HEADERS = {b"authorization", b"idempotency-key", b"content-type", b"content-encoding"}


def refuse_duplicate_headers(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise Refused with 400 if one of the headers is repeated."""
    names = [name for name, _ in headers]
    if len(set(names)) == len(names):
        return  # the usual case
    counts = Counter(names)
    for name in names:
        if name in SINGLE_HEADERS and counts[name] > 1:
            raise Refused(Refusal.DUPLICATE_HEADER, f"Send one {name.decode().title()} header.")
