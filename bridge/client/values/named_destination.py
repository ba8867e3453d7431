"""A destination of the operator, as the API lists it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.client.values.literals import DestinationType


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDestination:
    """A destination that the operator has configured, and what its name stands for at present."""

    name: str
    type: DestinationType

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "NamedDestination":
        return cls(name=document["name"], type=document["type"])
