"""The endpoint of a watch's history."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.domain.history import HistoryEntry
from bridge.domain.times import rfc3339
from bridge.resources import Resources
from bridge.web.endpoints.authenticated import authenticated
from bridge.web.endpoints.watches import visible
from bridge.web.json_response import ApiResponse
from bridge.web.schemas.history_responses import HistoryEntryResponse, HistoryResponse
from bridge.web.serializers import waiting_json
from bridge.web.watches.watch_history import read_history


@authenticated
async def show(request: Request, resources: Resources, client: Client) -> Response:
    """Get what happened to a watch, what it waits for, and what to do: why a message came, or did not.

    A watch of another client is a 404.
    """
    watch = await visible(resources, client, request.path_params["watch_id"])
    found = await read_history(resources, client, watch)
    response: HistoryResponse = {
        "watchId": watch.id,
        "summary": found.summary,
        "waitingFor": None if found.waiting_for is None else waiting_json(found.waiting_for),
        "advice": list(found.advice),
        "data": [_entry_json(each) for each in found.entries],
    }
    return ApiResponse(response)


def _entry_json(entry: HistoryEntry) -> HistoryEntryResponse:
    return {"at": rfc3339(entry.at), "kind": entry.kind, "text": entry.text}
