"""How a worker starts and ends, once arq runs: it opens the resources, waits for Redis and builds the shifts."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn, cast

import structlog
from arq.cron import CronJob

from bridge import log, memory
from bridge.destinations.configuration import diverted_workspaces
from bridge.errors import BridgeError, SettingsError, StoreUnavailable
from bridge.metrics import process_counts
from bridge.metrics.server import serving_metrics
from bridge.queue.cron import keep_on_schedule
from bridge.queue.shutdown import Shutdown
from bridge.resources import open_resources
from bridge.settings import Settings
from bridge.startup import wait_for_store
from bridge.tracing import tracing
from bridge.version import VERSION
from workers.alive_file import keep_touching
from workers.cron import PERIOD
from workers.worker import build_worker


class Lifespan:
    """The functions that arq calls at the start and at the end of a worker; `ctx` is what the jobs receive."""

    def __init__(self, settings: Settings, cron_jobs: Sequence[CronJob]) -> None:
        self._settings = settings
        self._cron_jobs = cron_jobs

    async def on_startup(self, ctx: dict[str, Any]) -> None:
        log.configure(self._settings.log_level, "worker")  # again, because `arq` has set up its own logging by now
        stack = ctx["stack"] = AsyncExitStack()
        shutdown = Shutdown(cast("asyncio.Task[None]", asyncio.current_task()), ctx["redis"].hurry)
        shutdown.listen_for_signals()
        self._touch_alive_file(stack)
        traces = stack.enter_context(tracing("worker", os.environ))
        resources = await stack.enter_async_context(open_resources(self._settings, traces=traces))
        await stack.enter_async_context(metrics_served(self._settings))
        try:
            await wait_for_store(resources)
        except SettingsError as error:
            exit_with(error)
        ctx["worker"] = build_worker(resources)
        shutdown.on_begin(ctx["worker"].close)
        with suppress(StoreUnavailable):  # then the first one comes from a job
            await ctx["worker"].heartbeat.send()
        schedule = asyncio.create_task(keep_on_schedule(self._cron_jobs, PERIOD))
        stack.callback(schedule.cancel)
        memory.trim_after_startup()
        if diverted := diverted_workspaces(self._settings):
            structlog.get_logger().warning("messages.diverted", to=self._settings.egress_sandbox, workspaces=diverted)
        structlog.get_logger().info("worker.started")

    def _touch_alive_file(self, stack: AsyncExitStack) -> None:
        if self._settings.worker_alive_file is not None:
            touching = asyncio.create_task(keep_touching(Path(self._settings.worker_alive_file)))
            touching.add_done_callback(_log_failure)
            stack.callback(touching.cancel)

    async def on_shutdown(self, ctx: dict[str, Any]) -> None:
        """Close what on_startup opened."""
        if "stack" not in ctx:
            return  # on_startup was not reached: Redis was unavailable
        if "worker" in ctx:
            await ctx["worker"].close()
        await ctx["stack"].aclose()
        structlog.get_logger().info("worker.stopped")


def metrics_served(settings: Settings) -> AbstractAsyncContextManager[object]:
    """Serve the metrics of this worker on WORKER_METRICS_PORT, if it is set."""
    return serving_metrics(settings.metrics_host, settings.worker_metrics_port, _metrics)


async def _metrics() -> bytes:
    from bridge.metrics.text import render  # noqa: PLC0415 - its library takes 1 MB of memory

    return render([process_counts.build_info("worker", VERSION), *process_counts.WORKER])


def _log_failure(touching: "asyncio.Task[None]") -> None:
    if not touching.cancelled() and (error := touching.exception()):
        structlog.get_logger().error("worker.alive_file_failed", error=str(error))


def exit_with(error: BridgeError) -> NoReturn:
    """Print the message instead of a traceback, log it as the last line, and exit; also when started by `arq`."""
    log.last_words("worker", error, expected=True)
    print(error, file=sys.stderr)  # noqa: T201
    sys.exit(2)
