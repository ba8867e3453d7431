"""The page of workers: those that are alive, and those that ended without saying so."""

from starlette.responses import Response

from bridge.web.console.visits import Visit, admin_page


@admin_page
async def show(visit: Visit) -> Response:
    fleet = await visit.resources.heartbeats.read()
    return visit.page("workers.html", alive=fleet.alive, missing=fleet.missing)
