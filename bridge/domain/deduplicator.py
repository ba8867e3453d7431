"""Deduplicator: which foreign texts were met before, so that each is told once; what is remembered is bounded."""

LONGEST_TEXT = 200
MOST_TEXTS = 1000


def truncated(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


class Deduplicator:
    """The texts met so far; once they are too many, nothing counts as new any more."""

    def __init__(self, *, most: int = MOST_TEXTS) -> None:
        self._met: set[str] = set()
        self._most = most

    def is_new(self, text: str) -> bool:
        """Return whether a text, as it is told, was never met before; and remember it."""
        told = truncated(text)
        if told in self._met or len(self._met) >= self._most:
            return False
        self._met.add(told)
        return True
