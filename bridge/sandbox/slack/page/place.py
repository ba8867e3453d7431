"""The place that the inbox page shows: a channel, or all of them, as one person sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from bridge.sandbox.slack.state.people import ALICE, PEOPLE, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the reader of the page is: as which person, and in which channel, or in all."""

    person: Person = ALICE
    channel: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        return cls(person=PEOPLE.get(fields.get("as", ""), ALICE), channel=fields.get("in", ""))

    def url(self, *, person: Person | None = None, channel: str | None = None) -> str:
        """Return the page's URL there, or as another person, or in another channel."""
        query = {"in": self.channel if channel is None else channel, "as": (person or self.person).id}
        shown = {name: value for name, value in query.items() if value and value != ALICE.id}
        return f"/inbox?{urlencode(shown)}" if shown else "/inbox"
