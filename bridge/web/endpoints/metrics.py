"""The endpoint of the metrics: the requests of this process, and statistics of the store at the time of the request.

Labels contain only routes, methods, states, workspaces, and Rally's events and types of imports; never an id, a URL or
other values chosen by clients.
"""

from collections import Counter

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.stats import read_stats

requests_answered: Counter[tuple[str, str, str]] = Counter()
"""The number of requests that this process has answered, by method, route and status."""
pushes_received: Counter[tuple[str, str, str]] = Counter()
"""The number of pushes of Rally that this process has answered, by workspace, event and result."""


async def show(request: Request) -> Response:
    """Get the metrics in the Prometheus text format. No API key is needed; the metrics contain no client data."""
    resources: Resources = request.app.state.resources
    try:
        stats = await read_stats(
            resources.store,
            resources.budgets,
            resources.pushes,
            resources.push_proofs,
            tuple(resources.rally),
            rules=[rule.name for rule in resources.settings.rules],
        )
    except StoreUnavailable:
        stats = None
    from bridge.web.endpoints import prometheus  # noqa: PLC0415 - its library takes 1 MB of memory

    rendered = prometheus.render_metrics(requests=requests_answered, pushes=pushes_received, stats=stats)
    return Response(rendered, media_type=prometheus.CONTENT_TYPE_LATEST)
