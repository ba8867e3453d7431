"""The app's lifespan: start from the settings, report startup errors, and release waiting requests at shutdown."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from types import FrameType
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge import log, memory, packages
from bridge.checked_settings import load_checked
from bridge.errors import BridgeError
from bridge.metrics.server import serving_metrics
from bridge.resources import Resources, open_resources
from bridge.settings import Settings
from bridge.startup import wait_for_store
from bridge.tracing import Traces, tracing
from bridge.web.access_log import ACCESS_LOG
from bridge.web.cors import ORIGINS
from bridge.web.endpoints.metrics import render
from bridge.web.operations.heartbeats import sending_heartbeats
from bridge.web.operations.operator_watch import watching_for_operator
from bridge.web.slack.team_check import check_team

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
    """Load the settings, open the resources and wait for Redis before the app serves; close them at shutdown.

    Yield the state that the HTTP protocol reads.
    """
    packages.check_own_files()
    settings = load_checked()
    log.configure(settings.log_level, "api")
    with tracing("api", os.environ) as traces:
        async with _serving(app, settings, traces) as state:
            yield state


@asynccontextmanager
async def _serving(app: Starlette, settings: Settings, traces: Traces | None) -> AsyncIterator[dict[str, object]]:
    async with open_resources(settings, traces=traces) as resources, metrics_served(resources):
        with on_shutdown_signal(resources.change_feed.stop):
            await wait_for_store(resources, stopping=lambda: resources.change_feed.stopping)
            await check_team(resources)
            app.state.resources = resources
            memory.trim_after_startup()
            structlog.get_logger().info("api.started")
            async with sending_heartbeats(resources), watching_for_operator(resources):
                access_log = partial(app.state.access_log.write, mode=settings.access_log)
                yield {ORIGINS: settings.cors_origins, ACCESS_LOG: access_log}
    structlog.get_logger().info("api.stopped")


def metrics_served(resources: Resources) -> AbstractAsyncContextManager[object]:
    """Serve the metrics on METRICS_PORT, if it is set; also while the process waits for Redis."""
    settings = resources.settings
    return serving_metrics(settings.metrics_host, settings.metrics_port, partial(render, resources))


@contextmanager
def on_shutdown_signal(notify: Callable[[], None]) -> Iterator[None]:
    """Call `notify` when a signal asks the process to stop, and then the previous handler.

    Servers wait for their open connections before they end the lifespan. Requests that wait for changes must therefore
    hear of the signal itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    previous: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        notify()
        if callable(handler := previous[signal.Signals(number)]):
            handler(number, frame)

    for each in SIGNALS:
        if callable(previous[each]):
            signal.signal(each, handle)
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


class StartupErrors:
    """Wraps an app: keeps a BridgeError raised during startup in `error`, instead of a traceback in the server's log.

    With `report`, the server logs the error's message.
    """

    def __init__(self, app: ASGIApp, *, report: bool = True) -> None:
        self.error: BridgeError | None = None
        self._app = app
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except BridgeError as error:
            self.error = error
            failure = {"type": "lifespan.startup.failed", "message": str(error) if self._report else ""}
        finally:
            if failure:
                await send(failure)
