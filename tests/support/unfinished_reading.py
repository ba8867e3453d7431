"""A reading of an import that has not ended but has failed records, which the sandbox never shows."""

from bridge.domain.imports import Read
from bridge.domain.polling.budget import Grant
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.times import HOUR
from bridge.store.imports.imports import PollCommit
from tests.support.rally_responses import GOOD, answer
from tests.support.samples import only
from tests.support.world import World


async def read_unfinished(world: World, records: list[dict[str, str]]) -> None:
    """Poll the import `imp`, which someone watches, with this result."""
    imports = world.resources.imports
    snapshot = await world.resources.budgets.read("default")
    grant = Grant(count=1, again_at=0)
    claims = await imports.claim("default", snapshot.budget, grant, room=1, lease=HOUR, now=snapshot.now)
    read = answer(body={**GOOD, "status": "UPLOADING", "failedRecords": records}).answer
    assert isinstance(read, Read)
    update = ImportUpdate(due=snapshot.now, reading=read.reading, record_set=read.record_set)
    commit = PollCommit(claim=only(claims or []), update=update, at=snapshot.now)
    assert await imports.commit("default", [commit], settle_by=snapshot.now) == [True]
