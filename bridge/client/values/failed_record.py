"""A person who could not be imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A person who could not be imported; Rally names the id, the e-mail address or both."""

    person_id: str | None
    email: str | None = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "FailedRecord":
        return cls(person_id=document.get("personId"), email=document.get("email"))
