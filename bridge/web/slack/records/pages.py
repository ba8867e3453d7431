"""Pages of the failed records of a watch, as the modal shows them."""

import asyncio
from dataclasses import replace
from itertools import islice

from bridge.destinations.slack.records_modal import PAGE, RecordsPage
from bridge.domain.watches import Watch
from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.resources import Resources
from bridge.web.refusals import Refused
from bridge.web.slack.answers import UNAVAILABLE
from bridge.web.watches.record_lookup import FoundRecords, failed_records_of

WARNING = "⚠️ "
UNREADABLE = (
    f"{WARNING}I can't decrypt them: ask the operator of the bridge for the key that was in use when the import ended."
)


async def found_records(resources: Resources, watch: Watch) -> FoundRecords | str:
    """Return the failed records of a watch, or why they can't be read now."""
    try:
        return await failed_records_of(resources, watch)
    except Refused as refused:
        return f"{WARNING}{refused}"
    except DecryptionFailed:
        return UNREADABLE
    except StoreUnavailable:
        return UNAVAILABLE


async def page_of(resources: Resources, watch: Watch, start: int) -> RecordsPage | str:
    """Return a page, or why there is none. If there are too many to be kept, and Rally is away, it has the first."""
    found = await found_records(resources, watch)
    reading = watch.reading
    if isinstance(found, FoundRecords):
        return await _page(watch, found, start)
    if reading is None or not reading.failed_records:
        return found
    kept = FoundRecords(reading=replace(reading, record_set_id=None))
    page = await _page(watch, kept, min(start, (len(reading.failed_records) - 1) // PAGE * PAGE))
    return replace(page, note=f"The first {len(reading.failed_records)} are shown. {found.removeprefix(WARNING)}")


async def _page(watch: Watch, found: FoundRecords, start: int) -> RecordsPage:
    # One more is read to know whether there is another page.
    records = await asyncio.to_thread(lambda: list(islice(found, start, start + PAGE + 1)))
    return RecordsPage(
        import_id=watch.import_id,
        label=watch.label,
        total=found.reading.failed_record_count,
        records=records[:PAGE],
        start=start,
        more=len(records) > PAGE,
    )
