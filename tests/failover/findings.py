"""What a trial saw, and what of it breaks a promise. Pure: records in, sentences out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .servers import PATIENCE

RECOVERY = 5.0
"""Seconds within which calls succeed again once a primary has enough replicas."""
Ending: TypeAlias = tuple[str | None, str | None]
"""The outcome of a watch and the time at which it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A callback as it was received."""

    watch_id: str
    message_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one failover did to the clients."""

    kind: str
    named_after: float
    """Seconds from the fault until all sentinels named another primary."""
    followed_after: float
    """Seconds from the fault until it had the replicas that are required."""
    accepted_after: float | None
    """Seconds from then until a watch was accepted; None if none was."""
    told_after: float | None
    """Seconds from then until an outcome was told."""
    refused: int
    accepted: Mapping[str, str]
    """The import of each accepted watch, by the watch's id."""
    pushed: Sequence[str]
    """The pushes that were acknowledged, by their message ids."""
    shown: Mapping[str, Ending]
    """How watches had ended when that was first shown."""
    final: Mapping[str, Mapping[str, Any]]
    """The accepted watches at the end, by their ids; one that is lost is left out."""
    watches_of: Mapping[str, Sequence[str]]
    """The watches of each import at the end."""
    recorded: frozenset[str]
    """The pushes that Redis has at the end."""
    messages: Sequence[Message] = field(repr=False)


def breaches(trial: Trial, *, recovery: float = RECOVERY) -> Iterator[str]:
    """Yield a sentence for each broken promise; `recovery` is the longest in seconds."""
    for watch_id in trial.accepted.keys() - trial.final.keys():
        yield f"lost: {watch_id} was accepted and does not exist"
    for message_id in set(trial.pushed) - trial.recorded:
        yield f"lost: push {message_id} was acknowledged and is not recorded"
    for import_id, watch_ids in trial.watches_of.items():
        if len(watch_ids) > 1:
            yield f"doubled: {import_id} has {len(watch_ids)} watches of one Idempotency-Key"
    for watch_id, before in trial.shown.items():
        if watch_id in trial.final and before != (now := ending(trial.final[watch_id])):
            yield f"changed: {watch_id} ended as {before}, and later as {now}"
    yield from _of_messages(trial)
    for what, after in (("accepted", trial.accepted_after), ("told", trial.told_after)):
        if after is None or after > recovery:
            seconds = f"{PATIENCE:g} s" if after is None else f"{after:.1f} s"
            yield f"late: nothing was {what} until {seconds} after the failover"


def ending(watch: Mapping[str, Any]) -> Ending:
    return watch["outcome"], watch["settledAt"]


def _of_messages(trial: Trial) -> Iterator[str]:
    told: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for message in trial.messages:
        told[message.watch_id].add((message.message_id, message.body))
    for watch_id, watch in trial.final.items():
        if watch["outcome"] is None:
            yield f"open: {watch_id} has not ended"
        elif watch_id not in told:
            yield f"untold: {watch_id} has ended, and nobody was told"
        elif len(told[watch_id]) > 1:
            yield f"told differently: {watch_id} in {len(told[watch_id])} versions"
