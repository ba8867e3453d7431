"""E-mail addresses in Slack messages."""

import pytest

from bridge.destinations.slack.emails import masked_email


@pytest.mark.parametrize(
    ("email", "shown_as"),
    [
        ("jane@example.com", "j…@example.com"),
        (" j@example.com", "j…@example.com"),
        ("@example.com", "…@example.com"),
        ('"a@b"@example.com', '"…@example.com'),
        ("jane.doe", "j…"),
        ("", "…"),
    ],
)
def test_an_email_is_masked(email: str, shown_as: str) -> None:
    assert masked_email(email) == shown_as
