"""Trigger ids, each of which opens one modal within three seconds after a person has done something.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bridge.sandbox.slack.api.refusal import Refused, invalid_arguments

LIFETIME = 3.0
KEPT = 1_000


@dataclass(slots=True, kw_only=True)
class Trigger:
    """Who has done something, when, and in which channel."""

    user: str
    channel: str | None
    at: float
    exchanged: bool = False


class Triggers:
    """The triggers that were given out."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._triggers: dict[str, Trigger] = {}

    def make(self, user: str, channel: str | None) -> str:
        made = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[made] = Trigger(user=user, channel=channel, at=self._now())
        if len(self._triggers) > KEPT:
            self._triggers.pop(next(iter(self._triggers)))
        return made

    def exchange(self, trigger_id: object) -> Trigger:
        """Return a trigger that has not been used. Raise Refused if it was, or is too old."""
        trigger = self._triggers.get(trigger_id) if isinstance(trigger_id, str) else None
        if trigger is None:
            raise invalid_arguments("invalid `trigger_id`")
        if trigger.exchanged:
            raise Refused("exchanged_trigger_id")
        if self._now() - trigger.at > LIFETIME:
            raise Refused("expired_trigger_id")
        trigger.exchanged = True
        return trigger

    def clear(self) -> None:
        self._triggers.clear()
