"""The Lua scripts that run in Redis, and calls that pass their keys and arguments by name.

A script begins with the names of its parameters: `local watch, expiring = unpack(KEYS)` and likewise for ARGV. Those
lines are the only place that knows the order. Redis has no imports, so shared parts are prepended to a script.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

Argument: TypeAlias = str | int

SHARED_PARTS = {
    "call_counts": frozenset({"accept", "count_calls"}),
    "lanes": frozenset(
        {
            "begin_living",
            "claim_deliveries",
            "claim_living",
            "commit_delivery",
            "create_digest",
            "create_notice",
            "create_summary",
            "leave_digest",
        }
        | {"mark_lane_doubtful", "move_back_deliveries", "move_back_lane", "pause_lane", "redeliver", "release_held"}
        | {"reserve_edit", "reserve_lane", "settle"}
    ),
    "living": frozenset({"accept", "begin_living", "claim_living", "commit_living", "reserve_edit", "settle"}),
    "indexes": frozenset(
        {"commit_delivery", "create_digest", "create_notice", "create_summary", "delete_notice", "delete_watch"}
        | {"end_parts", "leave_digest", "move_back_deliveries", "redeliver", "release_held", "settle", "skip_held"}
    ),
    "new_messages": frozenset({"create_digest", "create_notice", "create_summary"}),
    "notes": frozenset(
        {"commit_delivery", "commit_polls", "delete_watch", "end_parts", "leave_digest", "move_back_deliveries"}
        | {"record_push", "redeliver", "release_held", "settle", "skip_held", "write_budget"}
    ),
    "held": frozenset(
        {"commit_delivery", "delete_watch", "end_parts", "leave_digest", "move_back_deliveries", "release_held"}
        | {"settle", "skip_held"}
    ),
    "gathering": frozenset({"accept", "begin_batch_request", "end_batch_request", "release_held", "settle"}),
    "batches": frozenset({"accept", "begin_batch_request", "end_batch_request", "settle"}),
    "digests": frozenset({"commit_delivery", "end_parts"}),
    "floods": frozenset({"release_held"}),
    "poll_order": frozenset(
        {"accept", "claim_polls", "commit_polls", "mark_pushed", "move_back_polls", "poll_now", "read_budget"}
        | {"record_push"}
    ),
    "poll_at_once": frozenset({"accept", "mark_pushed", "poll_now", "record_push"}),
    "pushed": frozenset({"mark_pushed", "record_push"}),
    "push_proof": frozenset({"commit_polls", "count_push_misses", "record_push"}),
}
"""The scripts that need each shared part, in the order of the parts."""
PARAMETERS = re.compile(r"^local ([\w,\s]+?) =\s+unpack\((KEYS|ARGV)[^)]*\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The parameters of one call of a script; `more_keys` and `more_args` follow the named ones."""

    keys: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, Argument] = field(default_factory=dict)
    more_keys: Sequence[str] = ()
    more_args: Sequence[Argument] = ()

    def positional(self, script: str) -> tuple[list[str], list[Argument]]:
        """Return the keys and arguments in the script's order. Raises TypeError if a name is missing or unknown."""
        key_names, arg_names = _parameters(script)
        if len(self.keys) == len(key_names) and len(self.args) == len(arg_names):
            with suppress(KeyError):
                return (
                    [*map(self.keys.__getitem__, key_names), *self.more_keys],
                    [*map(self.args.__getitem__, arg_names), *self.more_args],
                )
        raise TypeError(f"{script}.lua takes the keys {key_names} and the arguments {arg_names}")


def source(script: str) -> str:
    """Return the complete text of a script, with the shared parts before it, as Redis runs it for one call."""
    return _shared(script) + _read(script)


def source_for_many(script: str) -> str:
    """Return the complete text of a script that runs many calls in one round trip, one after the other."""
    return f"{_shared(script)}local function step(KEYS, ARGV)\n{_read(script)}end\n{_read('many_calls')}"


def _shared(script: str) -> str:
    parts = ["prelude", *(part for part, users in SHARED_PARTS.items() if script in users)]
    return "".join(map(_read, parts))


@cache
def _parameters(script: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = {kind: tuple(re.findall(r"\w+", listed)) for listed, kind in PARAMETERS.findall(_read(script))}
    return names.get("KEYS", ()), names.get("ARGV", ())


@cache
def _read(name: str) -> str:
    return _paths()[name].read_text()


def scripts() -> set[str]:
    """Return the names of all scripts."""
    return set(_paths())


@cache
def _paths() -> Mapping[str, Path]:
    return {path.stem: path for path in (Path(__file__).parents[1] / "scripts").rglob("*.lua")}
