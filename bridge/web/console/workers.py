"""The page of workers and of the processes of the API: those that are alive, and those that ended without saying so."""

import asyncio

from starlette.responses import Response

from bridge.domain.history.standstill import standstill
from bridge.web.console.visits import Visit, admin_page
from bridge.web.operations.service_state import read_service


@admin_page
async def show(visit: Visit) -> Response:
    resources = visit.resources
    workers, apis = await asyncio.gather(resources.heartbeats.read(), resources.api_heartbeats.read())
    stopped = standstill(await read_service(resources, workers))
    return visit.page("workers.html", workers=workers, apis=apis, stopped=stopped)
