"""Digests: one message about several imports that have ended, the problems first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bridge.domain.conclusions import Conclusion
from bridge.domain.imports import Reading
from bridge.domain.notifications import build_notification
from bridge.domain.outcomes import Outcome, warning_of
from bridge.domain.past_ends import NOTHING_TO_COMPARE, Comparison
from bridge.domain.times import MINUTE, Moment, Span, rfc3339
from bridge.domain.watches import Watch
from bridge.domain.workspaces import DEFAULT_WORKSPACE

BATCH_DIGEST_AFTER: Span = 15 * MINUTE
"""How long after its first end a digest of a batch is sent, if watches of the batch are still open."""
LINES = 10
"""The number of imports that a digest names; the others are only counted."""
MOST_MENTIONED = 20
"""The number of users that a digest mentions at most."""
KNOWN_TYPES = ("API", "CSV", "ACTIVITIES")
"""The types that have their own sums; all others share one, because Rally may send any text."""
ALL_RULES = "rule:*"
"""The client of the digests of the flood guard, which are about imports of all rules. No rule has this name."""
_SEVERITY: Mapping[Outcome, int] = {
    Outcome.FAILED: 0,
    Outcome.TIMED_OUT: 1,
    Outcome.NOT_FOUND: 1,
    Outcome.FORBIDDEN: 1,
    Outcome.COMPLETED_WITH_FAILURES: 2,
    Outcome.COMPLETED: 4,
}
_SUSPICIOUS = 3


@dataclass(frozen=True, slots=True)
class OfRule:
    """The origin of a digest about the imports that a rule tells."""

    rule: str


@dataclass(frozen=True, slots=True)
class OfFlood:
    """The origin of a digest about the imports of all rules, made by the flood guard."""


@dataclass(frozen=True, slots=True)
class OfBatch:
    """The origin of a digest about the watches of one batch, which a client made in one request."""

    batch: str


DigestOrigin: TypeAlias = OfRule | OfFlood | OfBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedImport:
    """What a digest says about one import."""

    import_id: str
    workspace: str = DEFAULT_WORKSPACE
    label: str | None = None
    outcome: Outcome
    reason: str | None = None
    reading: Reading | None = None
    at: Moment
    """When its watch ended."""
    took: Span | None = None
    """How long it took; None if nobody watched it from its start."""
    link: str | None = None
    """The link to it, by the operator's template."""
    compared: Comparison = NOTHING_TO_COMPARE
    """What earlier ends of its label and type say of it. Only for an import that the digest names."""
    watch_id: str

    @classmethod
    def of(cls, watch: Watch, *, link: str | None = None) -> "EndedImport":
        """Return what a digest says about the import of a settled watch."""
        assert watch.outcome is not None  # noqa: S101 - only a settled watch has deliveries
        assert watch.settled_at is not None  # noqa: S101 - likewise
        conclusion = Conclusion(watch.outcome, watch.reason)
        return cls(
            watch_id=watch.id,
            took=build_notification(watch, conclusion, watch.reading, watch.settled_at).took,
            link=link,
            import_id=watch.import_id,
            workspace=watch.workspace,
            label=watch.label,
            outcome=watch.outcome,
            reason=watch.reason,
            reading=watch.reading,
            at=watch.settled_at,
        )

    @property
    def warning(self) -> str | None:
        return warning_of(self.reading)

    @property
    def severity(self) -> int:
        """Return its place in a digest: the lower, the earlier."""
        suspicious = self.outcome is Outcome.COMPLETED and self.warning
        return _SUSPICIOUS if suspicious else _SEVERITY[self.outcome]

    @property
    def is_problem(self) -> bool:
        return self.severity <= _SUSPICIOUS


@dataclass(frozen=True, slots=True)
class Sums:
    """The number of imports, of the people that they imported, and of their failed records."""

    imports: int = 0
    people: int = 0
    failed: int = 0

    def with_(self, ended: EndedImport) -> "Sums":
        people = 0 if ended.reading is None else ended.reading.person_count or 0
        failed = 0 if ended.reading is None else ended.reading.failed_record_count
        return Sums(self.imports + 1, self.people + people, self.failed + failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A message about several imports."""

    id: str
    """The id of its delivery."""
    origin: DigestOrigin
    client: str
    """The client of its delivery."""
    at: Moment
    named: Sequence[EndedImport]
    """The imports that it names, at most LINES."""
    total: Sums
    by_type: Mapping[str | None, Sums] = field(default_factory=dict)
    """The sums of each known type that occurs; None stands for other types."""
    problems: int = 0
    mention: Sequence[str] = ()
    """The ids of the Slack users to mention; they come from the operator's settings only."""

    def payload(self) -> dict[str, Any]:
        """Return `{type, timestamp, data}`, for a name that stood for Slack when the digest was begun."""
        return {
            "type": "batch.digest" if isinstance(self.origin, OfBatch) else "rule.digest",
            "timestamp": rfc3339(self.at),
            "data": {
                "client": self.client,
                "text": f"{self.total.imports} imports ended, {self.problems} of them with problems.",
                "importIds": [each.import_id for each in self.named],
            },
        }


def digest_of(
    id_: str,
    origin: DigestOrigin,
    client: str,
    ended: Iterable[EndedImport],
    now: Moment,
    *,
    mention: Iterable[str] = (),
) -> Digest:
    """Return the digest of imports: it names the most severe ones, and of those the earliest first.

    `mention` are the users to mention, as often as imports ask for it.
    """
    in_order = sorted(ended, key=lambda each: (each.severity, each.at))
    total, by_type = Sums(), defaultdict[str | None, Sums](Sums)
    for each in in_order:
        type_ = None if each.reading is None or each.reading.type not in KNOWN_TYPES else each.reading.type
        total, by_type[type_] = total.with_(each), by_type[type_].with_(each)
    order: tuple[str | None, ...] = (*KNOWN_TYPES, None)
    return Digest(
        id=id_,
        origin=origin,
        client=client,
        at=now,
        named=in_order[:LINES],
        total=total,
        by_type={type_: by_type[type_] for type_ in order if type_ in by_type},
        problems=sum(each.is_problem for each in in_order),
        mention=list(dict.fromkeys(mention))[:MOST_MENTIONED],
    )
