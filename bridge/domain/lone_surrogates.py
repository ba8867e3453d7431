"""Escaped lone surrogates in JSON: halves of characters, left by programs that cut text anywhere."""

import re

_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def without_lone_surrogates(json: str) -> str:
    """Return a JSON document with lone surrogates replaced: strict parsers reject them, and they can't be sent on."""
    return _LONE_SURROGATE.sub(r"\\ufffd", json)
