"""The errors with which Slack refuses a call."""

from collections.abc import Sequence


class Refused(Exception):
    """A call that Slack refuses with an error code, and sometimes with messages that explain it."""

    def __init__(self, error: str, messages: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.messages = tuple(messages)

    @property
    def reason(self) -> str:
        return "; ".join(self.messages) or self.error


def invalid_arguments(*messages: str) -> Refused:
    return Refused("invalid_arguments", [f"[ERROR] {message}" for message in messages])
