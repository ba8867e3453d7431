"""Small things that several tests need."""

from typing import Any


def only(things: list[Any]) -> Any:
    """Give the one thing of a list that must have one."""
    assert len(things) == 1, things
    return things[0]
