"""The endpoint of the metrics, and the metrics of the API: what this process has counted, and what Redis holds."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bridge.metrics import process_counts
from bridge.metrics.metric import CONTENT_TYPE
from bridge.resources import Resources
from bridge.version import VERSION
from bridge.web.operations.store_report import read_store


async def show(request: Request) -> Response:
    """Get the metrics in the Prometheus text format. No API key is needed; the metrics contain no client data.

    With METRICS_PORT, they are served on that port only, and this path is not found.
    """
    resources: Resources = request.app.state.resources
    if resources.settings.metrics_port:
        raise HTTPException(404)
    return Response(await render(resources), media_type=CONTENT_TYPE)


async def render(resources: Resources) -> bytes:
    """Return the metrics of the API in the text format."""
    report = await read_store(resources)
    from bridge.metrics.text import render as text  # noqa: PLC0415 - its library takes 1 MB of memory
    from bridge.web.operations.store_metrics import sampled  # noqa: PLC0415 - likewise

    return text([process_counts.build_info("api", VERSION), *process_counts.API, *sampled(report)])
