"""What is wrong with a body that is not JSON, in plain English."""

from codecs import BOM_UTF8

from pydantic_core import ErrorDetails

_ENDS_EARLY = "EOF while parsing"


def invalid_json(body: bytes, finding: ErrorDetails) -> str:
    """Return a sentence for the parser's finding about a body."""
    error = str(finding["ctx"]["error"])
    place = error[error.rfind(" at line ") :]
    if not body.strip():
        return "The body is empty."
    if body.startswith(BOM_UTF8):
        return "The body begins with a byte order mark. Send it without."
    if not _is_utf8(body):
        return "The body is not in UTF-8."
    if error.startswith(_ENDS_EARLY):
        return f"The body ends too early{place}."
    return f"{error[0].upper()}{error[1:]}."


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
