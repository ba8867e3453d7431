"""The ASGI app: its routes are the table of contents. Importing it reads nothing; starting it reads the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from bridge import log
from bridge.errors import Refused, StoreUnavailable
from bridge.resources import Resources, check_store, open_resources
from bridge.settings import Settings
from bridge.web import deliveries, destinations, events, health, problems, signing, watches
from bridge.web.leaving import told_of_signals

ROUTES = [
    Route("/v1/watches", watches.create, methods=["POST"]),
    Route("/v1/watches", watches.pages, methods=["GET"]),
    Route("/v1/watches/batch", watches.create_many, methods=["POST"]),
    Route("/v1/watches/{watch_id}", watches.show, methods=["GET"]),
    Route("/v1/watches/{watch_id}/events", events.stream, methods=["GET"]),
    Route("/v1/watches/{watch_id}/cancel", watches.cancel, methods=["POST"]),
    Route("/v1/deliveries", deliveries.pages, methods=["GET"]),
    Route("/v1/deliveries/redeliver", deliveries.redeliver_many, methods=["POST"]),
    Route("/v1/deliveries/{delivery_id}", deliveries.show, methods=["GET"]),
    Route("/v1/deliveries/{delivery_id}/redeliver", deliveries.redeliver, methods=["POST"]),
    Route("/v1/destinations/test", destinations.test, methods=["POST"]),
    Route("/v1/signing-secret", signing.secrets, methods=["GET"]),
    Route("/v1/signing-keys", signing.keys, methods=["GET"]),
    Route("/healthz", health.healthz, methods=["GET"]),
    Route("/readyz", health.readyz, methods=["GET"]),
]


@asynccontextmanager
async def _from_settings(app: Starlette) -> AsyncIterator[None]:
    settings = Settings.load()
    log.configure(settings.log_level)
    async with open_resources(settings) as resources:
        await check_store(resources)
        app.state.resources = resources
        structlog.get_logger().info("api.started")
        with told_of_signals(resources.news.leave):
            yield
    structlog.get_logger().info("api.stopped")


def build(resources: Resources | None = None) -> Starlette:
    """Build the app: on the given resources, or on those that the settings describe."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            Refused: problems.refused,
            HTTPException: problems.http_exception,
            StoreUnavailable: problems.store_unavailable,
            Exception: problems.unexpected,
        },
        lifespan=None if resources else _from_settings,
    )
    if resources:
        app.state.resources = resources
    return app


app = build()
