"""Summaries of rules: write the message of each summary that is due."""

from collections.abc import Callable

import structlog

from bridge.destinations import render
from bridge.domain.clients import RULE_PREFIX
from bridge.domain.destinations import Destination
from bridge.domain.notices.rule_notices import IDS_NAMED, imports_missed
from bridge.domain.rules.pushes import FIRST_KEPT_LONGER
from bridge.domain.times import MINUTE, Span
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.deliveries.summaries import ClosedSummary, SummaryName

AT_ONCE = 20
"""The number of summaries that one run closes."""
LEASE: Span = MINUTE
"""How long one worker may take to write a summary before another one does."""

log = structlog.get_logger()


class SummaryWriter:
    """Turns the imports that rules missed into deliveries."""

    def __init__(self, resources: Resources, *, on_due: Callable[[], None]) -> None:
        """`on_due` is called when deliveries are due."""
        self._resources = resources
        self._on_due = on_due

    async def run(self) -> None:
        """Write the summaries that are due."""
        await self._resources.summaries.bring_forward()
        new_ids = [new_id("dlv_") for _ in range(AT_ONCE)]
        for summary in await self._resources.summaries.claim(new_ids, LEASE):
            try:
                await self._write(summary)
            except StoreUnavailable:
                raise
            except Exception as error:  # our own bug, which must not stop the other summaries
                log.error("summary.failed", summary=summary.id, exc_info=error)  # noqa: TRY400 - with fields
        now, kept = await self._resources.store.now(), self._resources.settings.bridge_retention + FIRST_KEPT_LONGER
        await self._resources.summaries.forget(now - kept)

    async def _write(self, summary: ClosedSummary) -> None:
        rule = summary.name.rule
        destination = self._destination(summary.name)
        missed = await self._resources.summaries.missed(summary, IDS_NAMED)
        if destination is None:
            log.warning("summary.dropped", rule=rule, imports=missed.total)
            await self._resources.summaries.drop(summary)
            return
        now = await self._resources.store.now()
        notice = imports_missed(rule, missed.first_ids, missed.total, missed.problems, now)
        body, lane = render(notice, destination), self._resources.lane(destination)
        if await self._resources.summaries.create(summary, f"{RULE_PREFIX}{rule}", destination, lane, body):
            log.info("summary.created", delivery_id=summary.id, rule=rule, imports=missed.total)
            self._on_due()

    def _destination(self, name: SummaryName) -> Destination | None:
        """Return the rule's destination with the receiver; None if it is not configured any more."""
        rule = self._resources.rule_of(f"{RULE_PREFIX}{name.rule}")
        destinations = () if rule is None else rule.notify
        return next((each for each in destinations if self._resources.receiver_key(each) == name.receiver), None)
