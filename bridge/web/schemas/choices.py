"""Choices in words, for the errors that list them."""

from collections.abc import Collection

LISTED = 20


def one_of(names: Collection[str], noun: str, *, subject: str = "Must") -> str:
    """Return a sentence with the names that a client may choose from; of more than LISTED, only the first ones."""
    listed = [f"'{name}'" for name in sorted(names)[:LISTED]]
    match listed:
        case []:
            return f"Your client may use no {noun}"
        case [name]:
            return f"{subject} be {name}, the only one that your client may use"
        case _:
            more = " …" if len(names) > LISTED else ""
            return f"{subject} be one of those that your client may use: {', '.join(listed)}{more}"
