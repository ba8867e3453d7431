"""The destinations of the configuration file: the named ones, and those that are written in rules."""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.domain.destinations import Destination, NamedDestination, ResolvedDestination
from bridge.domain.notices.notices import OPERATOR
from bridge.resources import Resources
from bridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredDestination:
    """A destination, how findings name it, its setting, and a client whose secrets sign messages to it."""

    name: str
    setting: str
    destination: Destination
    resolved: ResolvedDestination
    client: str


def configured_destinations(resources: Resources) -> Iterator[ConfiguredDestination]:
    """Yield every destination of the file once."""
    settings = resources.settings
    for name, resolved in resources.named.items():
        yield ConfiguredDestination(
            name=name,
            setting=settings.named(f"destinations.{name}"),
            destination=NamedDestination(name=name),
            resolved=resolved,
            client=_client_for(settings, name),
        )
    for rule in settings.rules:
        for number, each in enumerate(rule.notify, start=1):
            if not isinstance(each, NamedDestination):
                yield ConfiguredDestination(
                    name=f"{number} of rule {rule.name}",
                    setting=settings.named(f"rules.{rule.name}.notify.{number}"),
                    destination=each,
                    resolved=each,
                    client=rule.client,
                )


def _client_for(settings: Settings, name: str) -> str:
    """Return a client that may use the destination: its secrets sign the test message."""
    if name == settings.operator_notify:
        return OPERATOR
    may_use = (
        each.name for each in settings.clients if each.permissions.named is None or name in each.permissions.named
    )
    return next(may_use, OPERATOR)
