"""Forms of the console, read within limits."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import BODY_LIMIT, read_body

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form, each without blanks around it; of a repeated one, the first.

    Raise Refused with 415 or 400 if the body is not a form, 413 if it is too large, and 408 if it is too slow.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused(Refusal.UNSUPPORTED_MEDIA_TYPE, f"Send it with `Content-Type: {FORM}`.")
    body = await read_body(request, limit=BODY_LIMIT)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # UnicodeDecodeError is one
        raise Refused(Refusal.BAD_REQUEST, "The body is not a form in UTF-8.") from None
    return {name: value.strip() for name, value in reversed(pairs)}
