"""A program that `up` supervises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A name, a command line (public, so without secrets), an environment, and a readiness check."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    ready: Callable[[int], bool] | None = None
    """Returns whether the process with an id is ready. Without it, a program is ready after READY_WITHOUT_A_CHECK."""
    patience: float = 20.0
    """Seconds within which it must be ready after the first start."""
