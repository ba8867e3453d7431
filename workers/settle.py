"""Settling: decide the outcome of each watch that waits for an import, and create its deliveries."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import structlog

from bridge.destinations import render
from bridge.domain.clients import Client
from bridge.domain.conclusions import Conclusion, conclude
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import Callback, Destination, mentioned
from bridge.domain.import_state import ImportState
from bridge.domain.notifications import ENDED, Notification, build_notification
from bridge.domain.past_ends import NOTHING_TO_COMPARE, Histories, compare
from bridge.domain.polling.last_poll_words import last_poll
from bridge.domain.polling.workspace_trouble import effective_state
from bridge.domain.rules.precedence import HOLD
from bridge.domain.rules.rule_conclusions import conclude_pushed
from bridge.domain.rules.rule_decisions import END_OUTCOMES, End, silences
from bridge.domain.rules.rules import RuleResult, rule_of
from bridge.domain.times import SECOND, Moment, Span
from bridge.domain.watches import Watch, WatchState
from bridge.errors import StoreUnavailable
from bridge.metrics import process_counts
from bridge.resources import Resources
from bridge.store.watches.endings import Settlement
from bridge.store.watches.history import ImportNotes
from workers import outage_retries
from workers.end_buttons import with_records_button
from workers.rule_watches import speaking_rules

FINAL_POLL_WAIT: Span = 30 * SECOND
"""How long an expired watch waits for one final poll before it ends without it."""

log = structlog.get_logger()


class Settler:
    """Settles imports in the background of a worker, each import only once at a time."""

    def __init__(
        self, resources: Resources, *, on_due: Callable[[], None], on_held: Callable[[], None] = lambda: None
    ) -> None:
        """`on_due` is called when deliveries are due, `on_held` when deliveries are held."""
        self._resources = resources
        self._on_due = on_due
        self._on_held = on_held
        self._closing = False
        self._settling: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self, workspace: str, import_id: str) -> None:
        """Settle an import in the background."""
        key = (workspace, import_id)
        if key not in self._settling:
            task = self._settling[key] = asyncio.create_task(self._settle_in_background(*key))
            task.add_done_callback(lambda _: self._settling.pop(key, None))

    async def close(self) -> None:
        """Wait for the settling in progress; the sweep resumes what fails."""
        self._closing = True
        if self._settling:
            await asyncio.wait(self._settling.values())

    async def _settle_in_background(self, workspace: str, import_id: str) -> None:
        try:
            await outage_retries.repeat(partial(self.settle, workspace, import_id), stopping=lambda: self._closing)
        except StoreUnavailable:
            return  # the store logs an outage once; the sweep resumes it
        except Exception as error:  # the sweep resumes it
            log.error("import.settling_failed", import_id=import_id, exc_info=error)  # noqa: TRY400 - with fields

    async def settle(self, workspace: str, import_id: str) -> int:
        """Settle every watch of an import that has an outcome now; return how many. Repeating it is harmless."""
        waiting, import_record, snapshot, notes = await asyncio.gather(
            self._resources.watches.waiting(workspace, import_id),
            self._resources.imports.get(workspace, import_id),
            self._resources.budgets.read(workspace),
            self._resources.history.about(workspace, import_id),
        )
        if not waiting:
            await self._resources.imports.drop_settling(workspace, import_id)
            return 0
        state = effective_state(snapshot.budget, import_record.state if import_record else ImportState())
        polls = import_record.polls if import_record else 0
        settled = 0
        for watch_id, record in waiting:
            try:
                watch = await self._resources.watches.load(watch_id, record)
                settled += await self._settle_watch(
                    watch, (workspace, import_id), state, polls, snapshot.now, notes=notes
                )
            except StoreUnavailable:
                raise
            except Exception as error:  # our own bug, which must not stop the other watches
                log.error("watch.settling_failed", watch_id=watch_id, exc_info=error)  # noqa: TRY400 - with fields
        return settled

    async def _settle_watch(
        self,
        watch: Watch | None,
        key: tuple[str, str],
        state: ImportState,
        polls: int,
        now: Moment,
        *,
        notes: ImportNotes,
    ) -> bool:
        if watch is None or watch.state is not WatchState.WATCHING or (watch.workspace, watch.import_id) != key:
            return False
        conclude_watch = conclude if watch.push is None else conclude_pushed
        conclusion = conclude_watch(watch, state, now, last_call_made=now >= watch.expires_at + FINAL_POLL_WAIT)
        if conclusion is None:
            return False
        settlement = settlement_of(
            replace(watch, polls=polls),
            conclusion,
            state,
            now,
            lane=self._resources.lane,
            show_emails=self._resources.settings.slack_show_emails,
            rule=await self._rule_ending(watch, conclusion, state),
            team=self._resources.settings.slack_client,
            records_readable=bool(self._resources.settings.records_users),
            link=self._resources.link_to(watch.workspace, watch.import_id),
            histories=await self._histories(watch, conclusion, state),
            mentioned=partial(mentioned, outcome=conclusion.outcome, named=self._resources.named),
        )
        settlement = replace(settlement, history=notes.for_watch(watch, now))
        if not await self._resources.endings.settle(settlement):
            return False
        log.info(
            "watch.settled",
            watch_id=watch.id,
            import_id=watch.import_id,
            outcome=conclusion.outcome.value,
            reason=conclusion.reason,
            deliveries=len(settlement.deliveries),
        )
        process_counts.watches_settled.add(watch.workspace, conclusion.outcome.value)
        await self._count(settlement)
        pending = [delivery for delivery in settlement.deliveries if delivery.state is DeliveryState.PENDING]
        if any(delivery.held_until is None for delivery in pending):
            self._on_due()
        if any(delivery.held_until is not None for delivery in pending):
            self._on_held()
        return True

    async def _histories(self, watch: Watch, conclusion: Conclusion, state: ImportState) -> Histories | None:
        """Return the histories that the end of an import belongs to; None if the import has not ended."""
        if conclusion.outcome not in ENDED:
            return None
        reading = conclusion.reading or state.reading
        return await self._resources.past_ends.histories(
            watch,
            reading,
            kept_for=self._resources.settings.bridge_retention,
            compared=any(not isinstance(each, Callback) for each in watch.notify),
        )

    async def _rule_ending(self, watch: Watch, conclusion: Conclusion, state: ImportState) -> "RuleEnding | None":
        """Return what a rule tells of the end of its watch's import; None if the watch is explicit."""
        name, resources = rule_of(watch.client), self._resources
        if name is None or watch.push is None:
            return None
        speaking = await speaking_rules(resources.watches, resources.settings.rules, watch, conclusion.outcome)
        reading = state.reading if conclusion.reading is None else None
        end = End(pushed=watch.push, outcome=conclusion.outcome, reading=reading)
        rule = self._resources.rule_of(watch.client)
        return RuleEnding(
            silences=tuple(
                silences(
                    speaking, name, watch.notify, end, resources.receiver, summarized=await self._summarized(watch)
                )
            ),
            mention=() if rule is None else rule.mentioned(conclusion.outcome),
        )

    async def _summarized(self, watch: Watch) -> set[str]:
        """Return the receivers of a rule's watch that a summary tells its import."""
        receivers = {self._resources.receiver_key(each): self._resources.receiver(each) for each in watch.notify}
        keys = await self._resources.summaries.telling(list(receivers), watch.workspace, watch.import_id)
        return {receivers[key] for key in keys}

    async def _count(self, settlement: Settlement) -> None:
        """Count what became of a rule's watch."""
        if (name := rule_of(settlement.watch.client)) is None:
            return
        told = any(delivery.state is DeliveryState.PENDING for delivery in settlement.deliveries)
        silent = RuleResult.SILENT if settlement.conclusion.outcome in END_OUTCOMES else RuleResult.UNREAD
        await self._resources.rule_counts.count(name, RuleResult.TOLD if told else silent)


LaneOf: TypeAlias = Callable[[Destination], str]
MentionedBy: TypeAlias = Callable[[Destination], tuple[str, ...]]
"""The Slack users that a destination mentions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEnding:
    """What a rule tells of the end of an import."""

    silences: tuple[str | None, ...]
    """For each destination of its watch: why it is not told; None if it is."""
    mention: tuple[str, ...] = ()


def settlement_of(
    watch: Watch,
    conclusion: Conclusion,
    state: ImportState,
    now: Moment,
    *,
    lane: LaneOf,
    show_emails: bool,
    rule: RuleEnding | None = None,
    team: Client | None = None,
    records_readable: bool = False,
    link: str | None = None,
    histories: Histories | None = None,
    mentioned: MentionedBy = lambda _: (),
) -> Settlement:
    """Return what the end of a watch writes: the notification, rendered as a delivery for each destination.

    `records_readable`: there are people who may read failed records in Slack.
    """
    reading = conclusion.reading or state.reading
    mention = () if rule is None else rule.mention
    compared = NOTHING_TO_COMPARE if histories is None else compare(conclusion.outcome, histories)
    notification = build_notification(watch, conclusion, reading, now, link=link, compared=compared)
    reasons = rule.silences if rule is not None else tuple(_unsubscribed(each, conclusion) for each in watch.notify)
    readable = records_readable and reading is not None and bool(reading.failed_records)

    def body_for(destination: Destination) -> str:
        users = tuple(dict.fromkeys((*mention, *mentioned(destination))))
        body = render(replace(notification, mention=users), destination, show_emails=show_emails)
        return with_records_button(body, watch.id, destination, readable=readable, team=team)

    deliveries = tuple(
        _delivery(watch, number, notification, destination, lane=lane, silent=silent, body_for=body_for)
        for number, (destination, silent) in enumerate(zip(watch.notify, reasons, strict=True))
    )
    ended = replace(watch, reading=reading, polled_at=state.polled_at, last_poll=last_poll(state))
    return Settlement(
        watch=ended,
        conclusion=conclusion,
        deliveries=deliveries,
        at=now,
        new_end=None
        if histories is None
        else histories.with_end(
            conclusion.outcome,
            notification.took if watch.polls > 1 else None,  # one poll alone did not see the import running
        ),
    )


def _unsubscribed(destination: Destination, conclusion: Conclusion) -> str | None:
    """Return why a destination is not told an outcome; None if it is."""
    if destination.on is None or conclusion.outcome in destination.on:
        return None
    return f"not subscribed to {conclusion.outcome.value}"


def _delivery(
    watch: Watch,
    number: int,
    notification: Notification,
    destination: Destination,
    *,
    lane: LaneOf,
    silent: str | None,
    body_for: Callable[[Destination], str],
) -> Delivery:
    """Return the delivery to a destination; `silent` is the reason why it is skipped."""
    wanted = silent is None
    return Delivery(
        id=f"dlv_{watch.id.removeprefix('wat_')}{number:x}",
        watch_id=watch.id,
        client=watch.client,
        notification_id=notification.id,
        destination=destination,
        lane=lane(destination),
        body=body_for(destination) if wanted else "",
        queued_at=notification.at,
        held_until=None if rule_of(watch.client) is None else max(notification.at, watch.created_at + HOLD),
        state=DeliveryState.PENDING if wanted else DeliveryState.SKIPPED,
        last_reason=silent,
        traceparent=watch.traceparent,
    )
