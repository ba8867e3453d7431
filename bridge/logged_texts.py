"""The texts of an outside service that were logged already, so that each is logged once; memory is bounded."""

LONGEST_TEXT = 200
MOST_TEXTS = 1000


def truncated(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"


class LoggedTexts:
    """A set of at most `most` texts."""

    def __init__(self, *, most: int = MOST_TEXTS) -> None:
        self._logged: set[str] = set()
        self._most = most

    def is_new(self, text: str) -> bool:
        """Return whether a text, once truncated, is to be logged; and remember it.

        Return False for each text that is in the set, and for every other text as well once the set is full.
        """
        short = truncated(text)
        if short in self._logged or len(self._logged) >= self._most:
            return False
        self._logged.add(short)
        return True
