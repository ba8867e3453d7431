"""The destinations that the API names: those of a watch, without their secrets, and those of the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.client.values.destinations import On
from bridge.client.values.literals import DestinationType


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedDestination:
    """A destination of a watch, without its secrets, and the outcomes that it receives."""

    type: DestinationType
    destination: str
    on: On

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "WatchedDestination":
        return cls(type=document["type"], destination=document["destination"], on=document["on"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDestination:
    """A destination that the operator has configured, and what its name stands for at present."""

    name: str
    type: DestinationType

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "NamedDestination":
        return cls(name=document["name"], type=document["type"])
