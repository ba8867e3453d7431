"""Messages in Slack, as read from its answer to a post."""

from typing import Any

import pytest

from bridge.domain.delivery.posted_messages import PostedMessage

NAMED = {"ok": True, "channel": "C0123ABCD", "ts": "1503435956.000247"}


def test_a_message_is_named_by_its_channel_and_its_time_stamp() -> None:
    assert PostedMessage.of(NAMED) == PostedMessage(channel="C0123ABCD", ts="1503435956.000247")


@pytest.mark.parametrize(
    "change",
    [
        *({"ts": ts} for ts in (None, 1503435956.000247, "", "1503435956", "1.2 ", "1.²", "9" * 30 + ".1", ["1.2"])),
        *({"channel": channel} for channel in (None, "", "#general", "c0123abcd", 7, {"id": "C0123ABCD"})),
    ],
)
def test_an_answer_that_does_not_name_it_names_no_message(change: dict[str, Any]) -> None:
    assert PostedMessage.of(NAMED | change) is None
