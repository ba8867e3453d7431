"""The forms that answers have, and which of them a caller takes.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
"""

import re

JSON = "application/json"
STREAM = "text/event-stream"
AS_IT_IS = ""
"""Given whatever the caller takes: what probes, scrapers and browsers ask for."""

_RANGES = {
    JSON: (JSON, "application/*", "*/*", "application/problem+json"),  # who takes refusals alone means our JSON
    STREAM: (STREAM, "text/*", "*/*"),
}
"""The ranges that a form is in, by weight: the first that the caller names decides."""
_NEVER = re.compile(r"q=0(\.0*)?")


def takes(accept: str, form: str) -> bool:
    """Tell whether a caller takes a form; who names none takes any."""
    if accept in {"", "*/*"} or form == AS_IT_IS:
        return True  # as nearly all have it
    named = _named(accept)
    return not named or next((named[each] for each in _RANGES[form] if each in named), False)


def _named(accept: str) -> dict[str, bool]:
    """Give each range that is named, and whether it is taken: one named twice is, where it is once."""
    named: dict[str, bool] = {}
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        if media_range:
            never = any(_NEVER.fullmatch(parameter) for parameter in parameters)
            named[media_range] = named.get(media_range, False) or not never
    return named
