"""The JSON Schema of the configuration file, for editors."""

from typing import Any

from bridge.settings.file.config_file import ConfigFile


def config_schema() -> dict[str, Any]:
    document = ConfigFile.model_json_schema()
    for section in document["properties"].values():
        if section.get("type") == "object":
            section["additionalProperties"] = False  # beside the pattern of names
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}
