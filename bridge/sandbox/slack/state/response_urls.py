"""Response URLs, by which an app answers a person: five times within 30 minutes.

Source: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

HOST = "https://hooks.slack.com"
KINDS = ("commands/", "actions/")
"""The beginnings of the paths: after a command, and after anything else."""
LIFETIME, USES = 1800.0, 5
KEPT = 1_000


@dataclass(slots=True, kw_only=True)
class Answerable:
    """Whom an answer is for, in which channel, and the message that it may replace."""

    user: str
    channel: str
    at: float
    original: str | None = None
    """The `ts` of the message."""
    uses: int = 0


class ResponseUrls:
    """The URLs that were given out."""

    def __init__(self, team: str, now: Callable[[], float]) -> None:
        self._team = team
        self._now = now
        self._urls: dict[str, Answerable] = {}

    def make(self, kind: Literal["commands", "actions"], user: str, channel: str, original: str | None = None) -> str:
        path = f"{kind}/{self._team}/{secrets.randbelow(10**12)}/{secrets.token_urlsafe(18)}"
        self._urls[path] = Answerable(user=user, channel=channel, at=self._now(), original=original)
        if len(self._urls) > KEPT:
            self._urls.pop(next(iter(self._urls)))
        return f"{HOST}/{path}"

    def use(self, path: str) -> Answerable | None:
        """Return whom an answer is for; None if the URL is unknown, used up or too old."""
        found = self._urls.get(path)
        if found is None or found.uses >= USES or self._now() - found.at > LIFETIME:
            return None
        found.uses += 1
        return found

    def clear(self) -> None:
        self._urls.clear()
