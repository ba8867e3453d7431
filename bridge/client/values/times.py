"""Times in answers: RFC 3339 to aware datetimes."""

from datetime import datetime


def time_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
