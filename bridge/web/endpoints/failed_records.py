"""The endpoints of failed records: in pages as JSON, or all as CSV."""

import asyncio
from itertools import islice
from typing import Literal, cast

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bridge.domain.clients import Client
from bridge.domain.failed_records_csv import csv_parts
from bridge.domain.notifications import record_as_json
from bridge.domain.watches import Watch
from bridge.resources import Resources
from bridge.web.endpoints.authenticated import authenticated_with
from bridge.web.endpoints.watches import visible
from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.accept import preferred
from bridge.web.requests.query import CsvQuery, FailedRecordsQuery
from bridge.web.schemas.responses import FailedRecordResponse, FailedRecordsResponse
from bridge.web.watches.record_lookup import FoundRecords, failed_records_of, log_access

JSON, CSV = "application/json", "text/csv"


@authenticated_with(FailedRecordsQuery)
async def show(request: Request, resources: Resources, client: Client, query: FailedRecordsQuery) -> Response:
    """Get all failed records of a watch's import: in pages as JSON, or at once as CSV.

    They are those of the watch's `import`. Of an import with more than 10,000, they are read from Rally when you ask,
    at most once a minute. With `Accept: text/csv` the answer is the CSV.
    """
    media_type = preferred(",".join(request.headers.getlist("accept")), (JSON, CSV))
    if media_type is None:
        raise Refused(Refusal.NOT_ACCEPTABLE, f"Accept {JSON} or {CSV}.")
    watch = await visible(resources, client, request.path_params["watch_id"])
    found = await failed_records_of(resources, watch)
    if media_type == CSV:
        return csv_response(request, client, watch, found, safe=query.is_safe)
    return await _page(request, client, watch, found, query)


@authenticated_with(CsvQuery)
async def csv_file(request: Request, resources: Resources, client: Client, query: CsvQuery) -> Response:
    """Get all failed records of a watch's import as CSV, whatever the request accepts.

    The columns are `email`, `personId` and `importId`, as an upload to Rally takes them. Rally gives no reasons.
    """
    watch = await visible(resources, client, request.path_params["watch_id"])
    return csv_response(request, client, watch, await failed_records_of(resources, watch), safe=query.is_safe)


async def _page(
    request: Request, client: Client, watch: Watch, found: FoundRecords, query: FailedRecordsQuery
) -> Response:
    start = query.start
    if query.version not in {None, found.version[: len(query.version or "")]}:
        raise Refused(Refusal.FAILED_RECORDS_CHANGED, "The import was read again since the first page. Begin again.")
    end = start + query.limit
    # One more is read to know whether there is another page.
    page = await asyncio.to_thread(lambda: list(islice(found, start, end + 1)))
    _log_access(request, client, watch, "json")
    document: FailedRecordsResponse = {
        "importId": watch.import_id,
        "status": found.reading.status,
        "failedRecordCount": found.reading.failed_record_count,
        "data": cast("list[FailedRecordResponse]", [record_as_json(each) for each in page[: query.limit]]),
        "nextCursor": FailedRecordsQuery.cursor_at(found.version, end) if len(page) > query.limit else None,
    }
    return ApiResponse(document)


def csv_response(request: Request, client: Client, watch: Watch, found: FoundRecords, *, safe: bool) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="failed-records-{watch.id}.csv"'}
    media_type = f"{CSV}; charset=utf-8; header=present"
    _log_access(request, client, watch, "csv")
    parts = () if request.method == "HEAD" else csv_parts(found, watch.import_id, safe=safe)
    return StreamingResponse(parts, media_type=media_type, headers=headers)


def _log_access(request: Request, client: Client, watch: Watch, form: Literal["json", "csv"]) -> None:
    if request.method != "HEAD":
        log_access(client.name, watch, form)
