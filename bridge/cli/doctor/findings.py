"""A finding: what was checked, what was found, and, unless all is well, what to do about it."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended; a warning is something that works, and may not always."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's; nothing in it is secret."""

    check: str
    state: State
    found: str
    remedy: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


def ok(check: str, found: str) -> Finding:
    return Finding(check, State.OK, found)


def warning(check: str, found: str, remedy: str) -> Finding:
    return Finding(check, State.WARNING, found, remedy)


def failed(check: str, found: str, remedy: str) -> Finding:
    return Finding(check, State.FAILED, found, remedy)
