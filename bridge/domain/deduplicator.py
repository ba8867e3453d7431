"""Remembers texts, so that each is logged only once; memory is bounded."""

LONGEST_TEXT = 200
MOST_TEXTS = 1000


def truncated(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


class Deduplicator:
    """A bounded set of texts; once it is full, no text counts as new."""

    def __init__(self, *, most: int = MOST_TEXTS) -> None:
        self._seen: set[str] = set()
        self._most = most

    def is_new(self, text: str) -> bool:
        """Return whether a text, once truncated, is new; and remember it."""
        short = truncated(text)
        if short in self._seen or len(self._seen) >= self._most:
            return False
        self._seen.add(short)
        return True
