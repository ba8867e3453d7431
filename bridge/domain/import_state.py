"""The state of an import: all that the polls so far have found."""

from dataclasses import dataclass
from http import HTTPStatus

from bridge.domain.imports import PollAnswer, Reading
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """The state of an import, from which the outcomes of its watches are decided."""

    reading: Reading | None = None
    absent: AbsenceStreak | None = None
    """The current streak of absences; None after a reading."""
    polled_at: Moment | None = None
    answer: PollAnswer | None = None
    """The last answer to a poll, also one that says nothing about the import."""
    trouble: str | None = None
    """Rally's last answer about the import, if it was unusable (`HTTP 400`)."""
    workspace_trouble: str | None = None
    """Why the workspace gets no answers at present (`Rally refused our key since …`), for the reason of a timeout."""

    @property
    def just_read(self) -> bool:
        """Whether the last poll read the import."""
        return self.answer is not None and self.answer.status == HTTPStatus.OK and self.trouble is None
