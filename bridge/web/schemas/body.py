"""The base class of request bodies."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """The base class of bodies: unknown fields are errors, and values are not converted."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=False,
        allow_inf_nan=False,
        cache_strings="keys",  # values rarely repeat, and may be secret
    )
