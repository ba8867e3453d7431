"""JSON as it is answered: compact, and with its line ended, so that a shell's prompt does not stick to it."""

import json
from typing import Any

from starlette.responses import JSONResponse

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
"""Made once: json.dumps, through which Starlette goes, makes one for each answer."""


class JSONAnswer(JSONResponse):
    """An answer of the API."""

    def render(self, content: Any) -> bytes:
        return (_ENCODER.encode(content) + "\n").encode("utf-8")
