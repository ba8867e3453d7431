"""What requests and responses hold: pydantic models and TypedDicts, which also make the OpenAPI document."""
