"""The people of the workspace; the reader of the inbox page acts as one of them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person: the id, the name that is shown, and the name in requests to apps."""

    id: str
    name: str
    handle: str


ALICE = Person(id="U0ALICE", name="Alice", handle="alice")
BEN = Person(id="U0BEN", name="Ben", handle="ben")
PEOPLE: Mapping[str, Person] = {person.id: person for person in (ALICE, BEN)}
SLACKBOT = "USLACKBOT"
"""What Slack itself says."""


def initials(name: str) -> str:
    return "".join(word[0] for word in name.split()[:2]).upper()
