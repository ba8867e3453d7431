"""JSON responses: compact, and with a final line feed, so that a shell prompt starts on a new line."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import JSONResponse


class ApiResponse(JSONResponse):
    """A JSON response of the API."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null") + b"\n"
