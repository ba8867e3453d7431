"""Errors that end a command with a sentence.

CannotStart     a problem of this machine or of the settings: exit code 2, nothing was started
ChildFailed     a program of `up` did not start or kept exiting: exit code 1
"""

from bridge.errors import BridgeError


class CannotStart(BridgeError):
    """The message says what prevents the start, and the remedy."""


class ChildFailed(BridgeError):
    """The message says which program failed and how, with the last lines of its log."""
