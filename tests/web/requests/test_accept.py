"""Content negotiation: the media type that a request prefers, of JSON and CSV."""

import pytest

from bridge.web.requests.accept import preferred

JSON, CSV = "application/json", "text/csv"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("  ", JSON),
        ("*/*", JSON),
        (BROWSER, JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8; header=present", CSV),
        ("text/*", CSV),
        ("application/*", JSON),
        ("text/csv, */*", CSV),
        ("*/*, text/csv", CSV),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv", JSON),
        ("application/json;q=0.5, text/csv;q=0.9", CSV),
        ("text/csv;q=0, */*", JSON),
        ("application/json;q=0, */*;q=0.1", CSV),
        ("text/csv;q=0.000", None),
        ("application/xml", None),
        ("text/cvs", None),
        ("csv", None),
        ("*/csv", None),
        ("text/csv;q=1.5", None),
        ("text/csv;q=x, application/json;q=0.1", JSON),
        (",,;=,", None),
        ("text/csv\x00", None),
        (",".join(["a/b"] * 5_000), None),
    ],
)
def test_the_preferred_media_type_is_chosen(accept: str, expected: str | None) -> None:
    assert preferred(accept, (JSON, CSV)) == expected
