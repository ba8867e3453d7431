"""Past ends: how the last imports of a label, or of a type, ended, and what that says of the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TypeAlias

from bridge.domain.outcomes import Outcome
from bridge.domain.times import Span

KEPT = 20
"""The number of ends that a history keeps."""
LEAST = 5
"""The number of earlier durations from which one can say what is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEnd:
    """The end of an import."""

    mark: str
    """The fingerprint of the import, which is in a history only once, however many watches tell of it."""
    outcome: Outcome
    took: Span | None = None
    """How long it took; None if nobody watched it from its start."""


Ends: TypeAlias = Sequence[PastEnd]
"""The last ends of a history, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """The histories that an import belongs to: of its client and label, of its workspace and type, and of its size."""

    mark: str
    """The fingerprint of the import."""
    names: tuple[str, ...]
    of_label: Ends = ()
    of_type: Ends = ()
    kept_for: Span
    """How long a history is kept after its last end."""

    def before_own(self) -> "Histories":
        """Return the histories as they were before the import ended; without ends where that is not known any more."""
        return replace(self, of_label=_before(self.mark, self.of_label), of_type=_before(self.mark, self.of_type))

    def with_end(self, outcome: Outcome, took: Span | None) -> "NewEnd":
        """Return the end to be added to these histories."""
        end = PastEnd(mark=self.mark, outcome=outcome, took=took)
        return NewEnd(end=end, histories=self.names, kept_for=self.kept_for)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnd:
    """An end to be added to histories, by their names."""

    end: PastEnd
    histories: tuple[str, ...]
    kept_for: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the earlier ends say of an end."""

    usual: Span | None = None
    """How long the earlier ones of its label took, or else those of its type: their median."""
    failed_in_a_row: int = 0
    """How many of its label have failed in a row, with this one; at most one more than a history keeps."""
    works_again: bool = False
    """Whether it completed, and the one of its label before it had failed."""


def size_of(people: int) -> int:
    """Return the size of an import: the number of digits of its number of people."""
    return len(str(people))


NOTHING_TO_COMPARE = Comparison()


def compare(outcome: Outcome, histories: Histories) -> Comparison:
    """Compare an end with the earlier ones; the import itself may be among them, because another watch told of it."""
    of_label, of_type = (
        [each for each in ends if each.mark != histories.mark] for ends in (histories.of_label, histories.of_type)
    )
    failures = _failures(of_label)
    failed = outcome is Outcome.FAILED
    return Comparison(
        usual=usual(of_label) or usual(of_type),
        failed_in_a_row=failures + 1 if failed else 0,
        works_again=outcome is Outcome.COMPLETED and failures > 0,
    )


def _before(mark: str, ends: Ends) -> Ends:
    """Return the ends before that of an import."""
    own = next((place for place, each in enumerate(ends) if each.mark == mark), len(ends))
    return ends[own + 1 :]


def _failures(ends: Ends) -> int:
    """Return how many of the newest ends in a row are failures."""
    return next((count for count, each in enumerate(ends) if each.outcome is not Outcome.FAILED), len(ends))


def usual(ends: Ends) -> Span | None:
    """Return how long the imports of a history usually took, without failed ones; None if too few are known."""
    spans = [each.took for each in ends if each.took is not None and each.outcome is not Outcome.FAILED]
    return round(median(spans)) if len(spans) >= LEAST else None
