"""One worker: its shifts, its settler and its sweep, which arq's jobs start."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bridge.resources import Resources
from workers.apply_rules import RulesWork
from workers.cron import PERIOD
from workers.deliver import DeliverWork
from workers.digests import DigestWriter
from workers.end_buttons import EndButtonsWork
from workers.figures import FigureRecorder
from workers.gate import GateWork
from workers.heartbeat import WorkerHeartbeat
from workers.living import LivingWork
from workers.notify_operator import OperatorNotifier
from workers.nudges import NudgeWork
from workers.poll import PollWork
from workers.record_reads import RecordReadWork
from workers.settle import Settler
from workers.shift import Shift
from workers.summaries import SummaryWriter
from workers.sweep import Sweep
from workers.wishes import WishWork

CLOSE_TIMEOUT = 12.0
"""Seconds that the work in progress gets to finish at shutdown; `rally-bridge up` kills a worker after 15."""
SHIFT_LENGTH = PERIOD + 1.0
"""Seconds that a shift runs after its last start: longer than a period, so that the next job prolongs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The shifts of one worker. Each workspace has its own poll shift, so that none delays another."""

    settler: Settler
    polls: Mapping[str, Shift[Any, Any]]
    """The poll shift of each workspace."""
    rules: Shift[Any, Any]
    """The shift that applies the rules to pushes."""
    gate: Shift[Any, Any]
    """The shift that releases held deliveries."""
    deliveries: Shift[Any, Any]
    living: Shift[Any, Any]
    """The shift that posts and edits living messages."""
    end_buttons: Shift[Any, Any]
    """The shift that edits the buttons of messages about ends."""
    wishes: Shift[Any, Any]
    """The shift that resumes what people asked for in Slack."""
    record_reads: Shift[Any, Any]
    """The shift that reads failed records on demand."""
    nudges: Shift[Any, Any]
    """The shift that checks whether Slack is nudged."""
    sweep: Sweep
    heartbeat: WorkerHeartbeat
    figures: FigureRecorder

    async def close(self, *, timeout: float = CLOSE_TIMEOUT) -> None:  # noqa: ASYNC109 - it is no error
        """Finish the work in progress in the order in which it flows: rules, polls, settling, deliveries.

        Another worker repeats what does not end within `timeout` seconds.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.rules.close()
                others = (self.record_reads, self.living, self.end_buttons, self.wishes, self.nudges)
                await asyncio.gather(*(shift.close() for shift in (*self.polls.values(), *others)))
                await self.settler.close()
                await self.gate.close()
                await self.deliveries.close()
                await self.heartbeat.withdraw()


def build_worker(resources: Resources, *, shift_length: float = SHIFT_LENGTH) -> Worker:
    """Build a worker on the given resources; nothing runs before the first job."""
    operator = OperatorNotifier(resources, on_due=lambda: deliveries.start())  # noqa: PLW0108 - it is built below
    work = DeliverWork(resources, operator)
    deliveries = Shift(work, length=shift_length)
    work.on_slot_released = deliveries.wake
    gate = Shift(GateWork(resources, operator, on_due=deliveries.start), length=shift_length)
    settler = Settler(resources, on_due=deliveries.start, on_held=gate.start)
    digests = DigestWriter(resources, on_due=deliveries.start, on_held=gate.start)
    summaries = SummaryWriter(resources, on_due=deliveries.start)
    polls = {
        workspace: Shift(PollWork(resources, workspace, settler, operator), length=shift_length)
        for workspace in resources.rally
    }
    rules = RulesWork(resources, on_watched=lambda workspace: polls[workspace].start(), on_final=settler.start)
    return Worker(
        settler=settler,
        rules=Shift(rules, length=shift_length),
        polls=polls,
        gate=gate,
        deliveries=deliveries,
        living=Shift(LivingWork(resources), length=shift_length),
        end_buttons=Shift(EndButtonsWork(resources), length=shift_length),
        wishes=Shift(WishWork(resources), length=shift_length),
        record_reads=Shift(RecordReadWork(resources, operator), length=shift_length),
        nudges=Shift(NudgeWork(resources), length=shift_length),
        sweep=Sweep(resources, settler, operator, digests, summaries),
        heartbeat=WorkerHeartbeat(resources, tuple(polls.values()), deliveries),
        figures=FigureRecorder(resources),
    )
