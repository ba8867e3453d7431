"""Header fields of a response, in linear time: httpx's mapping of them takes time with their number squared."""

from collections.abc import Collection, Iterable, Mapping


def combine_fields(raw: Iterable[tuple[bytes, bytes]], names: Collection[bytes]) -> Mapping[str, str]:
    """Return the fields with these names (in lower case); the values of a repeated one are joined by commas.

    That is how https://www.rfc-editor.org/rfc/rfc9110#section-5.3 combines them.
    """
    found: dict[str, list[str]] = {}
    for name, value in raw:
        if (lower := name.lower()) in names:
            found.setdefault(lower.decode("latin-1"), []).append(value.decode("latin-1"))
    return {name: ", ".join(values) for name, values in found.items()}
