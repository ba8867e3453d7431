"""Choices in words, for the errors that list them."""

from collections.abc import Collection

LISTED = 20


def one_of(names: Collection[str]) -> str:
    """Return the names that a client may choose from, at most the first of very many."""
    listed = [f"'{name}'" for name in sorted(names)[:LISTED]]
    match listed:
        case []:
            return "left out: your client may use none"
        case [name]:
            return f"{name}, the only one that your client may use"
        case _:
            more = " …" if len(names) > LISTED else ""
            return f"one of those that your client may use: {', '.join(listed)}{more}"
