"""The watches of rules: how a rule makes one, and which rules' watches speak before it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bridge.domain.outcomes import Outcome
from bridge.domain.rules.pushes import QueuedPush
from bridge.domain.rules.rules import Rule
from bridge.domain.times import DAY, Span
from bridge.domain.watches import Watch, WatchState
from bridge.ids import derived_id
from bridge.store.watches.acceptance_call import NewWatch
from bridge.store.watches.watches import Watches

WATCHED_FOR: Span = DAY
"""How long a rule's watch waits for its import to be read with an end."""


def watch_of(rule: Rule, queued: QueuedPush) -> NewWatch:
    """Return the watch that a rule makes for a push; a repeated push of the same import has the same watch."""
    return NewWatch(
        id=watch_id_of(rule, queued),
        client=rule.client,
        workspace=queued.push.workspace,
        import_id=queued.push.import_id,
        notify=tuple(replace(destination, on=rule.outcomes) for destination in rule.notify),
        label=None,
        metadata={"rule": rule.name, "event": queued.push.event},
        expires_in=WATCHED_FOR,
        nudge_after=rule.nudge_after,
        push=queued,
    )


def watch_id_of(rule: Rule, queued: QueuedPush) -> str:
    return derived_id("wat_", queued.first_at, queued.push.workspace, queued.push.import_id, rule.name)


async def speaking_rules(watches: Watches, rules: Sequence[Rule], watch: Watch, outcome: Outcome) -> Sequence[Rule]:
    """Return the rules that tell the end of an import, as far as their watches show: the one of `watch` and others.

    A rule that was configured after the push has no watch. A watch that was cancelled or has ended otherwise does not
    tell this outcome.
    """
    telling = {WatchState.WATCHING.value, outcome.value}

    async def speaks(rule: Rule) -> bool:
        if rule.client == watch.client or watch.push is None:
            return True
        entry = await watches.index_entry(watch_id_of(rule, watch.push))
        return entry is not None and entry.index in telling

    speaking = await asyncio.gather(*map(speaks, rules))
    return [rule for rule, speaks_ in zip(rules, speaking, strict=True) if speaks_]
