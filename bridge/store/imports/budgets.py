"""The budget of each workspace, shared by the whole fleet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from bridge.domain.history.notes import MOST_NOTES, Note, NoteKind
from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.polling.budget import Budget, Grant, set_back
from bridge.domain.times import SECOND, Moment, Span
from bridge.store import codec, keys
from bridge.store.calls.connection import Store
from bridge.store.watches.history import dump_pause, load_pauses


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSnapshot:
    """A workspace at one moment: its budget, the polls in flight, and when the next import is due."""

    now: Moment
    budget: Budget
    in_flight: int
    next_due: Moment | None
    next_due_by_rule: Moment | None
    """When the next import is due that only rules watch; `next_due` is about the others."""
    open_imports: int
    """How many imports are being polled."""

    def next_claim(self, granted: Grant) -> Moment | None:
        """Return when the next import can be claimed, as far as its due time decides; None if no import is polled.

        An import that only rules watch waits for the next window if nothing is left for it.
        """
        by_rule = self.next_due_by_rule
        if by_rule is not None and granted.count > 0 and granted.rules_left <= 0:
            by_rule = max(by_rule, granted.rules_again_at)
        return min((due for due in (self.next_due, by_rule) if due is not None), default=None)


class Budgets:
    """Reads and writes budgets with optimistic locking on their version."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, workspace: str) -> Budget:
        """Return the budget as stored."""
        return _load(await self._store.call("HGETALL", keys.budget(workspace)))

    async def read(self, workspace: str) -> BudgetSnapshot:
        """Return the workspace's current state. If the clock was set back, the budget's times are moved with it."""
        snapshot, ahead = await self._read(workspace)
        while ahead > SECOND:
            await self.write(workspace, set_back(snapshot.budget, ahead))
            snapshot, ahead = await self._read(workspace)
        return snapshot

    async def _read(self, workspace: str) -> tuple[BudgetSnapshot, Span]:
        """Return the stored state, and how far in the future its budget was last written."""
        now, in_flight, first, first_by_rule, open_imports, flat = await self._store.run(
            "read_budget",
            {
                "budget": keys.budget(workspace),
                "imports_due": keys.imports_due(workspace),
                "imports_leased": keys.imports_leased(workspace),
            },
        )
        stored = codec.unflatten(flat)
        snapshot = BudgetSnapshot(
            now=now,
            budget=_load(stored),
            in_flight=in_flight,
            next_due=None if first < 0 else first,
            next_due_by_rule=None if first_by_rule < 0 else first_by_rule,
            open_imports=open_imports,
        )
        return snapshot, int(stored.get("written_at", 0)) - now

    async def write(self, workspace: str, budget: Budget, notes: Sequence[Note] = ()) -> bool:
        """Write a budget computed from `budget.version`, and note its changes for the histories of watches.

        Return False if that version was overwritten meanwhile.
        """
        changes = [
            part for name, value in asdict(budget).items() if name != "version" for part in (name, _written(value))
        ]
        written = await self._store.run(
            "write_budget",
            {"budget": keys.budget(workspace), "pauses": keys.pauses(workspace)},
            {"version": budget.version, "notes": len(notes), "notes_kept": MOST_NOTES},
            more_args=[*map(dump_pause, notes), *changes],
        )
        return bool(written)

    async def over_limit(self, workspace: str) -> list[Moment]:
        """Return when Rally stopped the polls by 429, as far as it is still noted."""
        pauses = load_pauses(await self._store.call("LRANGE", keys.pauses(workspace), 0, -1))
        began = (each for each in pauses if each.kind is NoteKind.PAUSE)
        return [each.at for each in began if each.facts == (WaitReason.RALLY_PAUSE.value,)]


def _written(value: Any) -> Any:
    match value:
        case None:
            return ""
        case tuple():
            return json.dumps(value)
        case _:
            return value


def _load(stored: Mapping[str, Any]) -> Budget:
    known = {field.name for field in fields(Budget)}
    return Budget(**{name: _parse(value) for name, value in stored.items() if name in known and value != ""})


def _parse(text: str) -> Any:
    """Parse a number, or the ids of imports."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value
