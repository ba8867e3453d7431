"""Metrics: this process' requests, and what the store holds at the moment of asking.

No label ever holds an id, a URL or anything else that a client chose: only our own routes, states and workspaces.
"""

from collections import Counter
from importlib import import_module

from starlette.requests import Request
from starlette.responses import Response

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.stats import read_stats

requests_answered: Counter[tuple[str, str, str]] = Counter()
"""Requests answered by this process, by method, route and status."""


async def show(request: Request) -> Response:
    """Give the metrics; without a key, like the health of the process, since they name nobody."""
    resources: Resources = request.app.state.resources
    try:
        figures = await read_stats(resources.store, resources.budgets, tuple(resources.rally))
    except StoreUnavailable:
        figures = None
    exposition = import_module("bridge.web.exposition")
    return Response(
        exposition.in_prometheus_form(requests_answered, figures), media_type=exposition.CONTENT_TYPE_LATEST
    )
