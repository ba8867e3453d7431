"""The body of a push, for the OpenAPI document; `bridge.rally.pushes` reads it leniently."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class PushBody(BaseModel):
    """What Rally sends when an import ended. Other events have other fields."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    event_type: Annotated[str, Field(alias="_eventType", examples=["person_import.csv.finished"])]
    import_id: str
    status: Annotated[Any, Field(description="COMPLETED or ERROR; any other value is accepted as well.")] = None
    updated_at: Annotated[Any, Field(description="The time of the import's last change.")] = None
    failed_records: Annotated[
        Any, Field(description="A list, or null. Its addresses are neither stored nor logged.")
    ] = None
