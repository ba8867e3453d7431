"""The ASGI app and its routes. Importing it reads no settings; starting it does."""

from collections import Counter

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.resources import Resources
from bridge.web import problems
from bridge.web.access_log import AccessLog
from bridge.web.console.routes import CONSOLE_ROUTES
from bridge.web.cors import ConfiguredCors
from bridge.web.endpoints import (
    deliveries,
    destinations,
    events,
    failed_records,
    guides,
    health,
    history,
    metrics,
    pushes,
    signing,
    watches,
)
from bridge.web.endpoints.send_test_slots import SendTestSlots
from bridge.web.invalid_keys import InvalidKeys
from bridge.web.lifespan import StartupErrors, lifespan
from bridge.web.middleware import RequestContextMiddleware, UnhandledErrors
from bridge.web.openapi import page
from bridge.web.refusals import Refused
from bridge.web.requests.unverified_bodies import UnverifiedBodies
from bridge.web.routing import resource
from bridge.web.slack import commands, interactions

API_ROUTES = [
    resource("/v1/watches", GET=watches.pages, POST=watches.create),
    resource("/v1/watches/batch", POST=watches.create_many),
    resource("/v1/watches/{watch_id}", GET=watches.show),
    resource("/v1/watches/{watch_id}/failed-records", GET=failed_records.show),
    resource("/v1/watches/{watch_id}/failed-records.csv", GET=failed_records.csv_file),
    resource("/v1/watches/{watch_id}/history", GET=history.show),
    resource("/v1/watches/{watch_id}/events", GET=events.stream),
    resource("/v1/watches/{watch_id}/cancel", POST=watches.cancel),
    resource("/v1/deliveries", GET=deliveries.pages),
    resource("/v1/deliveries/redeliver", POST=deliveries.redeliver_many),
    resource("/v1/deliveries/{delivery_id}", GET=deliveries.show),
    resource("/v1/deliveries/{delivery_id}/redeliver", POST=deliveries.redeliver),
    resource("/v1/destinations", GET=destinations.list_named),
    resource("/v1/destinations/test", POST=destinations.test),
    resource("/v1/signing-secret", GET=signing.secrets),
    resource("/v1/signing-keys", GET=signing.public_keys),
    resource("/v1/push/rally/{workspace}", POST=pushes.receive),
    resource("/healthz", GET=health.healthz),
    resource("/metrics", GET=metrics.show),
    resource("/readyz", GET=health.readyz),
]
SLACK_ROUTES = [
    resource("/slack/commands", POST=commands.receive),
    resource("/slack/interactions", POST=interactions.receive),
]
"""What only Slack calls; not in the OpenAPI document."""
ROUTES = [
    *API_ROUTES,
    *SLACK_ROUTES,
    *CONSOLE_ROUTES,
    *page.described(API_ROUTES, guides.GUIDES),
    *guides.guide_routes(),
]


def build(resources: Resources | None = None) -> Starlette:
    """Return the app with the given resources; without them, its lifespan opens them from the settings."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(RequestContextMiddleware), Middleware(ConfiguredCors), Middleware(UnhandledErrors)],
        exception_handlers={
            Refused: problems.refused,
            HTTPException: problems.http_exception,
            StoreUnavailable: problems.store_unavailable,
            DecryptionFailed: problems.decryption_failed,
        },
        lifespan=None if resources else lifespan,
    )
    # `/v1/watches/` is a 404. Starlette would redirect the client, with its key and body, to the request's Host.
    app.router.redirect_slashes = False
    app.state.access_log = AccessLog()
    app.state.invalid_keys = InvalidKeys()
    app.state.send_test_slots = SendTestSlots()
    app.state.unverified_bodies = UnverifiedBodies()
    app.state.failed_pushes = Counter()
    if resources:
        app.state.resources = resources
    return app


app = StartupErrors(build())
