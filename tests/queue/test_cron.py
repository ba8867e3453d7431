"""arq's cron jobs after the machine's clock was set back."""

from datetime import UTC, datetime

from arq import cron

from bridge.queue.cron import reschedule


def test_cron_continues_when_the_machines_clock_is_set_back_too() -> None:
    before, after = datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 11, tzinfo=UTC)
    job = cron("workers.jobs.sweep", second=set(range(0, 60, 5)))
    job.calculate_next(before)
    planned = job.next_run
    reschedule([job], 5, before)
    assert job.next_run == planned

    reschedule([job], 5, after)

    assert job.next_run is None, "as at the start: arq takes the next one from now on"
