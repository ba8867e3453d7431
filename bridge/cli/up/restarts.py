"""The rules for restarting a program of `up`: how soon, and when to give up."""

SETTINGS_ERROR = 2
"""The exit code of `serve` and `worker` for invalid settings; a restart would not help."""
HEALTHY_AFTER = 30.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
MAX_EXITS = 5


def consecutive_exits(before: int, *, lived: float) -> int:
    """Return the number of consecutive exits; a program that ran for HEALTHY_AFTER starts again at 1."""
    return 1 if lived >= HEALTHY_AFTER else before + 1


def restart_delay(exits: int) -> float:
    """Return the seconds before a restart: none the first time, then exponentially more."""
    return 0.0 if exits <= 1 else min(FIRST_DELAY * 2 ** min(exits - 2, 16), LONGEST_DELAY)


def should_give_up(exit_code: int, *, exits: int, was_ready: bool) -> bool:
    """Return whether to give up: on invalid settings, and on a program that never became ready in MAX_EXITS starts."""
    return exit_code == SETTINGS_ERROR or (exits >= MAX_EXITS and not was_ready)


def describe_exit(exit_code: int) -> str:
    """Describe how a process ended, from Popen's return code."""
    return f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
