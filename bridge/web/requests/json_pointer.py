"""JSON pointers, which name the place of a problem in a body.

Source: https://www.rfc-editor.org/rfc/rfc6901
"""


def escape(part: str) -> str:
    """Escape one part of a JSON pointer."""
    return part.replace("~", "~0").replace("/", "~1")
