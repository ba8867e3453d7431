"""The exit codes of the commands for people, in one table, and that of a watch that was followed."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from bridge.domain.outcomes import Outcome


class ExitCode(IntEnum):
    """Scripts rely on these numbers; they never change."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    COMPLETED_WITH_FAILURES = 3
    FAILED = 4
    OTHER_END = 5
    STILL_OPEN = 6
    NOT_DELIVERED = 7
    INTERRUPTED = 130
    PIPE_CLOSED = 141


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.SUCCESS: "success; of a watch that was followed: completed",
    ExitCode.FAILURE: "refused or not reached; of `doctor`: a fault",
    ExitCode.USAGE: "wrong usage or wrong settings; nothing was done",
    ExitCode.COMPLETED_WITH_FAILURES: "completed with failures",
    ExitCode.FAILED: "failed",
    ExitCode.OTHER_END: "not found, forbidden, timed out or cancelled",
    ExitCode.STILL_OPEN: "`--timeout` was over first; the watch continues",
    ExitCode.NOT_DELIVERED: "a delivery was abandoned, or a test message not accepted",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C; a watch continues",
    ExitCode.PIPE_CLOSED: "stdout was closed by its reader, such as `head`; a watch continues",
}
TABLE = "\b\nExit codes (of serve and worker: see the guide Operations):\n" + "\n".join(
    f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()
)
"""The table as click's help prints it, without wrapping."""

_BY_OUTCOME: Mapping[str | None, ExitCode] = {
    Outcome.COMPLETED: ExitCode.SUCCESS,
    Outcome.COMPLETED_WITH_FAILURES: ExitCode.COMPLETED_WITH_FAILURES,
    Outcome.FAILED: ExitCode.FAILED,
}


def exit_code(*, ended: bool, outcome: str | None, delivery_states: Sequence[str]) -> ExitCode:
    """Return the exit code of a followed watch.

    `delivery_states` are the states of the deliveries that the caller wanted to wait for; an abandoned one counts more
    than the outcome.
    """
    if not ended or "pending" in delivery_states:
        return ExitCode.STILL_OPEN
    if "abandoned" in delivery_states:
        return ExitCode.NOT_DELIVERED
    return _BY_OUTCOME.get(outcome, ExitCode.OTHER_END)
