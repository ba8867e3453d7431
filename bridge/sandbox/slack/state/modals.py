"""Open modals: at most one for each person. A modal stays open until it is submitted or closed."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Modal:
    """A view that a person sees, what is typed into it, and what is wrong with that."""

    id: str
    hash: str
    user: str
    channel: str | None
    """The channel that the person was in when it opened."""
    view: Mapping[str, Any]
    typed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The state of each element, by its block_id and then its action_id, as it was submitted last."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """The error of each block, by its id."""
    trouble: str | None = None


class Modals:
    """The open modals, by person."""

    def __init__(self) -> None:
        self._open: dict[str, Modal] = {}

    def show(self, user: str, channel: str | None, view: Mapping[str, Any]) -> Modal:
        """Open a modal, in place of the one that is open."""
        modal = Modal(id=f"V0{secrets.token_hex(5).upper()}", hash=_hash(), user=user, channel=channel, view=view)
        self._open[user] = modal
        return modal

    def of(self, user: str) -> Modal | None:
        return self._open.get(user)

    def get(self, view_id: object, external_id: object = None) -> Modal | None:
        """Return the open modal with an id, or with an id of the app's own."""
        for modal in self._open.values():
            if modal.id == view_id or (external_id and modal.view.get("external_id") == external_id):
                return modal
        return None

    def update(self, modal: Modal, view: Mapping[str, Any]) -> Modal:
        return self.keep(replace(modal, view=view, hash=_hash(), errors={}, trouble=None))

    def keep(self, modal: Modal) -> Modal:
        """Keep what has changed in a modal, if it is still open."""
        if (shown := self._open.get(modal.user)) is not None and shown.id == modal.id:
            self._open[modal.user] = modal
        return modal

    def close(self, modal: Modal) -> None:
        if (shown := self._open.get(modal.user)) is not None and shown.id == modal.id:
            del self._open[modal.user]

    def all(self) -> list[Modal]:
        return list(self._open.values())

    def clear(self) -> None:
        self._open.clear()


def _hash() -> str:
    return f"{secrets.randbelow(10**10)}.{secrets.token_hex(4)}"
