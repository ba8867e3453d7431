"""The wish to watch an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.client.values.destinations import Destination


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """An import to watch; the fields are the arguments of `Bridge.watch`."""

    import_id: str
    notify: Sequence[Destination] = field(default=(), repr=False)
    """URLs of destinations may contain secrets."""
    label: str | None = None
    metadata: Mapping[str, Any] | None = None
    workspace: str | None = None
    expires_in: int | None = None
    nudge_after: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the body of the request, without the fields that are not given."""
        fields = {
            "importId": self.import_id,
            "notify": list(self.notify),
            "label": self.label,
            "metadata": self.metadata,
            "workspace": self.workspace,
            "expiresIn": self.expires_in,
            "nudgeAfter": self.nudge_after,
        }
        return {name: value for name, value in fields.items() if value is not None}
