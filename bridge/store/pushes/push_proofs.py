"""What pushes have proven, by workspace and type: read, and updated by the sweep."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bridge.domain.rules.push_proof import Proofs, PushProof
from bridge.store import keys
from bridge.store.calls.connection import Store

AT_ONCE = 500
"""The largest number of ends that one step processes."""
_NUMBERS = {field.name for field in fields(PushProof)} - {"proven", "told"}


class PushProofs:
    """The proofs in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, workspace: str) -> Proofs:
        return load_proofs(await self._store.call("HGETALL", keys.push_proof(workspace)))

    async def count_misses(self, workspace: str) -> None:
        """Count the ends for which no push came in time, and bring back the polls that were put off before."""
        processed = AT_ONCE
        while processed >= AT_ONCE:
            processed = await self._store.run(
                "count_push_misses",
                {
                    "proof": keys.push_proof(workspace),
                    "awaited": keys.pushes_awaited(workspace),
                    "awaited_types": keys.push_types_awaited(workspace),
                    "imports_due": keys.imports_due(workspace),
                    "imports_leased": keys.imports_leased(workspace),
                },
                {"stretched_prefix": keys.imports_stretched_prefix(workspace), "count": AT_ONCE},
            )

    async def mark_told(self, workspace: str, type_: str) -> bool:
        """Note that the operator was told of a type's silence. Return False if that was noted before."""
        return bool(await self._store.call("HSET", keys.push_proof(workspace), f"told:{type_}", 1))


def load_proofs(stored: Mapping[str, str]) -> Proofs:
    """Parse the proofs of a workspace, stored as `<name>:<type>`."""
    by_type: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in stored.items():
        field, _, type_ = name.partition(":")
        by_type[type_][field] = int(value) if field in _NUMBERS else True
    return {type_: PushProof(**values) for type_, values in by_type.items()}
