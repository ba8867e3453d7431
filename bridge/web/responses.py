"""JSON as it is answered: compact, and with its line ended, so that a shell's prompt does not stick to it."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import JSONResponse


class ApiResponse(JSONResponse):
    """An answer of the API."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null") + b"\n"
