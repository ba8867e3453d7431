"""Header fields of a response, in linear time; httpx's Headers takes quadratic time."""

from collections.abc import Collection, Iterable, Mapping


def combine_fields(raw: Iterable[tuple[bytes, bytes]], names: Collection[bytes]) -> Mapping[str, str]:
    """Return the fields with these names (in lower case), joining the values of repeated fields by commas.

    That is how https://www.rfc-editor.org/rfc/rfc9110#section-5.3 combines them.
    """
    found: dict[str, list[str]] = {}
    for name, value in raw:
        if (lower := name.lower()) in names:
            found.setdefault(lower.decode("latin-1"), []).append(value.decode("latin-1"))
    return {name: ", ".join(values) for name, values in found.items()}
