"""One worker's shifts, put together: what arq's jobs ring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.resources import Resources
from workers.deliver import DeliverWork
from workers.operator_notices import OperatorNotices
from workers.poll import PollWork
from workers.settle import Settler
from workers.shift import Shift
from workers.sweep import Sweep

PERIOD = 5
"""Seconds between two cron runs of each job; a shift goes on a little longer, so that one hands over to the next."""
SHIFT_LENGTH = PERIOD + 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The shifts of one worker: one for each workspace's polls, so that none delays another, one to deliver."""

    settler: Settler
    polls: Mapping[str, Shift[Any, Any]]
    deliveries: Shift[Any, Any]
    sweep: Sweep

    async def close(self) -> None:
        """End what is under way, in the order in which it flows: polls, settling, deliveries."""
        for shift in self.polls.values():
            await shift.close()
        await self.settler.close()
        await self.deliveries.close()


def build_worker(resources: Resources, *, shift_length: float = SHIFT_LENGTH) -> Worker:
    work = DeliverWork(resources)
    deliveries = Shift(work, length=shift_length)
    work.freed = deliveries.look
    settler = Settler(resources, owed=deliveries.ring)
    operator = OperatorNotices(resources, owed=deliveries.ring)
    polls = {
        workspace: Shift(PollWork(resources, workspace, settler, operator), length=shift_length)
        for workspace in resources.rally
    }
    return Worker(settler=settler, polls=polls, deliveries=deliveries, sweep=Sweep(resources, settler, operator))
