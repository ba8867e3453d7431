"""The text of a variable as it was given, before it is parsed."""

from dataclasses import dataclass, field

from bridge.settings.problems import Place


@dataclass(frozen=True, slots=True)
class Given:
    """A text, and where it comes from."""

    text: str = field(repr=False)
    place: Place
