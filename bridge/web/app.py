"""The ASGI app: its routes are the table of contents. Importing it reads nothing; starting it reads the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from bridge import log, memory
from bridge.errors import DecryptionFailed, Refused, StoreUnavailable
from bridge.resources import Resources, open_resources
from bridge.settings import Settings
from bridge.startup import wait_for_store
from bridge.web import deliveries, destinations, events, health, metrics, problems, signing, watches
from bridge.web.forms import AS_IT_IS, STREAM
from bridge.web.lifespan import on_shutdown_signal
from bridge.web.middleware import RequestContextMiddleware
from bridge.web.openapi import page
from bridge.web.routing import at
from bridge.web.send_test_slots import TrialPlaces
from bridge.web.startup_errors import StartupErrors
from bridge.web.wrong_keys import WrongKeys

CALLS = [
    at("/v1/watches", GET=watches.pages, POST=watches.create),
    at("/v1/watches/batch", POST=watches.create_many),
    at("/v1/watches/{watch_id}", GET=watches.show),
    at("/v1/watches/{watch_id}/events", form=STREAM, GET=events.stream),
    at("/v1/watches/{watch_id}/cancel", POST=watches.cancel),
    at("/v1/deliveries", GET=deliveries.pages),
    at("/v1/deliveries/redeliver", POST=deliveries.redeliver_many),
    at("/v1/deliveries/{delivery_id}", GET=deliveries.show),
    at("/v1/deliveries/{delivery_id}/redeliver", POST=deliveries.redeliver),
    at("/v1/destinations/test", POST=destinations.test),
    at("/v1/signing-secret", GET=signing.secrets),
    at("/v1/signing-keys", GET=signing.keys),
    at("/healthz", form=AS_IT_IS, GET=health.healthz),
    at("/metrics", form=AS_IT_IS, GET=metrics.show),
    at("/readyz", form=AS_IT_IS, GET=health.readyz),
]
ROUTES = [*CALLS, *page.described(CALLS)]


@asynccontextmanager
async def _from_settings(app: Starlette) -> AsyncIterator[None]:
    settings = Settings.load()
    log.configure(settings.log_level)
    async with open_resources(settings) as resources:
        with on_shutdown_signal(resources.changes.leave):
            await wait_for_store(resources, stopping=lambda: resources.changes.leaving)
            app.state.resources = resources
            memory.trim_after_startup()
            structlog.get_logger().info("api.started")
            yield
    structlog.get_logger().info("api.stopped")


def build(resources: Resources | None = None) -> Starlette:
    """Build the app: on the given resources, or on those that the settings describe."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(RequestContextMiddleware)],
        exception_handlers={
            Refused: problems.refused,
            HTTPException: problems.http_exception,
            StoreUnavailable: problems.store_unavailable,
            DecryptionFailed: problems.decryption_failed,
        },
        lifespan=None if resources else _from_settings,
    )
    # `/v1/watches/` is no page. Starlette would send the caller, with key and body, to the address that Host names.
    app.router.redirect_slashes = False
    app.state.wrong_keys = WrongKeys()
    app.state.trial_places = TrialPlaces()
    if resources:
        app.state.resources = resources
    return app


app = StartupErrors(build())
