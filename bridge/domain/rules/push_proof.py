"""Proof of pushes: how far polling may step back, because Rally has pushed the ends of imports.

The proof is kept by workspace and by type of import. An end counts if the import was read unfinished before: a push
near it is a match, an end without one is a miss. The same rules count in Redis (`push_proof.lua`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.times import DAY, Moment, Span

PROOF_LASTS: Span = 7 * DAY
"""Polling steps back only while the newest match is younger than this."""
SILENT_AFTER = 3
"""The number of ends without a push after which a proven type counts as silent."""
COUNTABLE_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushProof:
    """What the ends of a type have shown."""

    streak: int = 0
    """The number of matches since the last miss."""
    matches: int = 0
    misses: int = 0
    last_match: Moment | None = None
    proven: bool = False
    """Whether there ever were enough matches in a row."""
    unpushed: int = 0
    """The number of ends without a push since the last match, once the type was proven."""
    told: bool = False
    """Whether the operator was notified that the type is silent, since it was last proven."""

    @property
    def silent(self) -> bool:
        return self.proven and self.unpushed >= SILENT_AFTER


Proofs: TypeAlias = Mapping[str, PushProof]
"""The proofs of a workspace by type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The factor by which pauses between polls are multiplied, and the matches in a row that allow it."""

    factor: int
    streak: int


STRETCHES = (Stretch(factor=4, streak=10), Stretch(factor=2, streak=3))
UNSTRETCHED = Stretch(factor=1, streak=0)


def stretch_of(proof: PushProof | None, now: Moment) -> Stretch:
    """Return how much longer the pauses between polls of a type of import may be, as proven by its pushes.

    `proof` is None if no end of such an import was compared with its push yet. A proof expires after `PROOF_LASTS`.
    """
    if proof is None or proof.last_match is None or now - proof.last_match >= PROOF_LASTS:
        return UNSTRETCHED
    return next((stretch for stretch in STRETCHES if proof.streak >= stretch.streak), UNSTRETCHED)


def countable_type(type_: str | None) -> str | None:
    """Return the type if its ends can be counted: a short word, as all known types are."""
    return type_ if type_ is not None and COUNTABLE_TYPE.fullmatch(type_) else None
