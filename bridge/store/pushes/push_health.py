"""The health of pushes, for the operator: what came, and what it has proven."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.domain.rules.push_proof import Proofs
from bridge.store.pushes.push_proofs import PushProofs
from bridge.store.pushes.pushes import PushCounts, Pushes


@dataclass(frozen=True, slots=True, kw_only=True)
class PushHealth:
    """The verified pushes of a workspace, and for each type of import what they have proven."""

    counts: PushCounts
    proofs: Proofs


async def read_push_health(pushes: Pushes, proofs: PushProofs, workspaces: Iterable[str]) -> Mapping[str, PushHealth]:
    """Return the health by workspace. Raises StoreUnavailable."""
    return {name: PushHealth(counts=await pushes.counts(name), proofs=await proofs.get(name)) for name in workspaces}
