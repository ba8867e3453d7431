"""Summaries of rules: the imports that were pushed only when their end was no news any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.domain.destinations import Destination
from bridge.domain.times import MINUTE, Moment, Span
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.deliveries.new_messages import message_fields
from bridge.store.encryption import Encryptor

SENT_AFTER: Span = 15 * MINUTE
"""How long after its first import a summary is sent."""


class SummaryName(NamedTuple):
    """Which imports are summarized together: those that a rule missed for one receiver, by its fingerprint."""

    rule: str
    receiver: str

    def __str__(self) -> str:
        return f"{self.rule}:{self.receiver}"

    @classmethod
    def parse(cls, text: str) -> "SummaryName":
        rule, receiver = text.split(":", 1)
        return cls(rule, receiver)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSummary:
    """A summary whose message must be written: nothing is added to it any more."""

    id: str
    """The id of the delivery that it becomes."""
    name: SummaryName

    @property
    def member(self) -> str:
        return f"{self.id} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedImports:
    """The imports of a summary: their number, that of those with failures, and the ids of the first."""

    total: int
    problems: int
    first_ids: Sequence[str]


class Summaries:
    """The summaries in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def add(self, rule: str, receivers: Sequence[str], workspace: str, import_id: str, *, problem: bool) -> int:
        """Add an import to a rule's summaries, one for each receiver, named by its fingerprint.

        A receiver whose summaries have told the import is left out, whichever rule it was for. `problem`: the import
        had failures according to the push. Return the number of summaries.
        """
        noted = await self._store.run(
            "note_missed",
            {"told": keys.MISSED_TOLD, "summaries_due": keys.SUMMARIES_DUE},
            {"member": keys.member(workspace, import_id), "problem": int(problem), "due_after": SENT_AFTER},
            more_args=[part for each in receivers for part in (each, str(SummaryName(rule, each)))],
        )
        return int(noted)

    async def telling(self, receivers: Sequence[str], workspace: str, import_id: str) -> set[str]:
        """Return those of the receivers whose summaries tell an import, or have told it."""
        if not receivers:
            return set()
        members = [_told_member(each, workspace, import_id) for each in receivers]
        scores = await self._store.call("ZMSCORE", keys.MISSED_TOLD, *members)
        return {receiver for receiver, score in zip(receivers, scores, strict=True) if score is not None}

    async def claim(self, new_ids: Sequence[str], lease: Span) -> list[ClosedSummary]:
        """Close due summaries, at most one for each of `new_ids`, and claim them with those left unfinished."""
        _now, *members = await self._store.run(
            "close_digests_and_summaries",
            {"due": keys.SUMMARIES_DUE, "closed": keys.SUMMARIES_CLOSED},
            {"lease": lease, "open_prefix": keys.missed(""), "closed_prefix": keys.summary("")},
            more_args=new_ids,
        )
        split = (member.split(" ", 1) for member in members)
        return [ClosedSummary(id=id_, name=SummaryName.parse(name)) for id_, name in split]

    async def missed(self, summary: ClosedSummary, most: int) -> MissedImports:
        """Return the imports of a closed summary, with the ids of at most `most`; those with failures come first."""
        key = keys.summary(summary.id)
        members = await self._store.call("ZRANGE", key, 0, most - 1)
        return MissedImports(
            total=int(await self._store.call("ZCARD", key)),
            problems=int(await self._store.call("ZCOUNT", key, 0, 0)),
            first_ids=[keys.split_member(member)[1] for member in members],
        )

    async def create(self, summary: ClosedSummary, client: str, destination: Destination, lane: str, body: str) -> bool:
        """Create the delivery of a closed summary. Return False if it exists."""
        created = await self._store.run(
            "create_summary",
            {
                "delivery": keys.delivery(summary.id),
                "summaries_closed": keys.SUMMARIES_CLOSED,
                "missed": keys.summary(summary.id),
            },
            {"id": summary.id, "member": summary.member, "lane": lane, "client": client},
            more_args=message_fields(self._encryptor, summary.id, client, destination, body),
        )
        return bool(created)

    async def drop(self, summary: ClosedSummary) -> None:
        """Forget a closed summary that cannot be sent."""
        await self._store.call("ZREM", keys.SUMMARIES_CLOSED, summary.member)
        await self._store.call("DEL", keys.summary(summary.id))

    async def bring_forward(self) -> None:
        """Bring summaries forward that are due later than if they began now: the clock was set back."""
        latest = await self._store.now() + SENT_AFTER
        for name in await self._store.call("ZRANGEBYSCORE", keys.SUMMARIES_DUE, f"({latest}", "+inf"):
            await self._store.call("ZADD", keys.SUMMARIES_DUE, "XX", "LT", latest, name)

    async def forget(self, before: Moment) -> None:
        """Forget which imports were told before a moment."""
        await self._store.call("ZREMRANGEBYSCORE", keys.MISSED_TOLD, "-inf", before)


def _told_member(receiver: str, workspace: str, import_id: str) -> str:
    """Return the member of `rb:missed_told`. The script that writes it builds the same."""
    return f"{receiver} {keys.member(workspace, import_id)}"
