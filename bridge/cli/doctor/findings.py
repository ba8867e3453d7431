"""A finding: the check, its result, and a remedy unless the result is good."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """The result of a check; a warning is for something that works, but perhaps not always."""

    OK = "ok"
    NOT_CHECKED = "not checked"
    """What would be checked is not used now, and may be wrong."""
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the output; it holds no secrets."""

    check: str
    state: State
    detail: str
    remedy: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


def ok(check: str, detail: str) -> Finding:
    return Finding(check, State.OK, detail)


def not_checked(check: str, detail: str) -> Finding:
    return Finding(check, State.NOT_CHECKED, detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, State.WARNING, detail, remedy)


def failed(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check, State.FAILED, detail, remedy)
