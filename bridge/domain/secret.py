"""A string that must not be seen: it prints as dots wherever it ends up."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Hold a key, token or secret URL; only `reveal` gives it, so that each use can be found by its name."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return "•••"

    def __repr__(self) -> str:
        return "Secret(•••)"
