"""Text objects and ids.

Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
"""

from collections.abc import Iterator
from typing import Any

LONGEST_ID = 255
PLAIN = ("plain_text",)


def text_faults(item: Any, length: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    """Yield what is wrong with a text object of at most `length` characters."""
    match item:
        case {"type": kind, "text": str(text), **rest} if kind in kinds:
            if not 1 <= len(text) <= length:
                yield f"must be more than 0 and less than {length + 1} characters"
            unknown = rest.keys() - ({"emoji"} if kind == "plain_text" else {"verbatim"})
            if unknown:
                yield f"a {kind} object has no {', '.join(sorted(map(str, unknown)))}"
        case _:
            yield f"must be a text object of type {' or '.join(kinds)}"


def string_faults(holder: dict[str, Any], name: str, most: int) -> Iterator[str]:
    """Yield what is wrong with an optional string."""
    value = holder.get(name, "")
    if not isinstance(value, str):
        yield f"{name} must be a string"
    elif len(value) > most:
        yield f"{name} must be less than {most + 1} characters"


def field_faults(holder: dict[str, Any], known: frozenset[str]) -> Iterator[str]:
    """Yield the fields that Slack does not know."""
    for name in holder.keys() - known:
        yield f"invalid additional property: {name}"


def repeated(values: list[Any]) -> bool:
    """Return whether two of the ids are the same; absent ones do not count."""
    given = [value for value in values if isinstance(value, str)]
    return len(given) != len(set(given))
