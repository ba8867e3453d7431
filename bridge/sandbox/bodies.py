"""The bodies of the control API: validated, with camelCase names."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

ModelT = TypeVar("ModelT")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, validate_by_name=True)


async def parsed(request: Request, model: type[ModelT]) -> ModelT | Response:
    """Return the valid body, or a response with its problems."""
    try:
        return TypeAdapter(model).validate_json(await request.body())
    except ValidationError as error:
        return JSONResponse({"errors": [_problem(finding) for finding in error.errors(include_url=False)]}, 422)


def _problem(finding: Any) -> str:
    return f"{'/'.join(str(part) for part in finding['loc'])}: {finding['msg']}"
