"""The quarantine of an import or a delivery at which our own code has failed."""

from bridge.domain.times import HOUR, Span

QUARANTINE: Span = HOUR
"""How long it is set aside, so that it does not hold up the others."""
