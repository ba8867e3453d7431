"""A program that `up` keeps alive, and the rules of when it is started again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SETTINGS_ERROR = 2
"""The exit code of `serve` and `worker` for settings that they can't start with; starting again would not help."""
HEALTHY_AFTER = 30.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
TOO_MANY_DEATHS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A name, a command line (without secrets: everyone may read it), an environment, and how to see that it works."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    ready: Callable[[int], bool] | None = None
    """Asked with the process id until it says yes; without it a program counts as ready when it has lived a while."""
    patience: float = 20.0
    """Seconds within which it must be ready at the first start."""


def deaths_in_a_row(before: int, *, lived: float) -> int:
    """Count a death: a program that was healthy for a while starts counting anew."""
    return 1 if lived >= HEALTHY_AFTER else before + 1


def pause_before_restart(deaths: int) -> float:
    """At once the first time, then twice as long each time."""
    return 0.0 if deaths <= 1 else min(FIRST_PAUSE * 2 ** min(deaths - 2, 16), LONGEST_PAUSE)


def is_hopeless(exit_code: int, *, deaths: int, proven: bool) -> bool:
    """Tell whether to give up: settings don't mend themselves, nor does what never came up in so many starts."""
    return exit_code == SETTINGS_ERROR or (deaths >= TOO_MANY_DEATHS and not proven)


def describe_end(exit_code: int) -> str:
    """Say how a process ended, from Popen's return code."""
    return f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
