"""What ends a command in plain words.

CannotStart     something about this machine or its settings: exit code 2, nothing was started
ChildFailed     a program of `up` does not come up or stay up: exit code 1
"""

from bridge.errors import BridgeError


class CannotStart(BridgeError):
    """Says in a sentence what is in the way, and what to do about it."""


class ChildFailed(BridgeError):
    """Says which program failed and how, with the last lines of its log."""
