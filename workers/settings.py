"""arq's settings, for `arq workers.settings.WorkerSettings`: importing this module reads the environment."""

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Any, ClassVar, NoReturn, cast
from urllib.parse import urlsplit

import structlog
from arq import cron, func
from arq.connections import RedisSettings
from arq.typing import WorkerSettingsType
from arq.worker import run_worker

from bridge import log, memory, queue
from bridge.errors import SettingsError
from bridge.queue import Alarm
from bridge.redis.options import defaults_for, read
from bridge.resources import check, open_resources
from bridge.settings import Settings
from bridge.startup import PATIENCE, wait_for_store
from workers import jobs
from workers.hours import keep_hours
from workers.shutdown import Stopping
from workers.worker import PERIOD, build_worker

JOB_TIMEOUT = 60
"""Seconds; also how long (and ten more) arq's own mark of a crashed job lasts. Nothing waits for that mark."""
MAX_TRIES = 1_000_000
"""A job is a ring, so that being interrupted is no failure of it. A job of cron is tried once, if nothing is said."""

AS_ARQ_SAYS = {"path": "unix_socket_path", "db": "database"} | {
    name: name
    for name in (
        *("host", "port", "username", "password"),
        *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"),
    )
}
"""redis-py's names of what it reads in a URL, and arq's."""


def end(error: SettingsError) -> NoReturn:
    """Say what is wrong in place of a traceback, also where `arq` started us."""
    print(error, file=sys.stderr)  # noqa: T201
    sys.exit(2)


try:
    SETTINGS = Settings.load()
    check(SETTINGS)
except SettingsError as error:
    end(error)
log.configure(SETTINGS.log_level)  # arq may have to wait for Redis, and say so, before it calls on_startup
EVERY_PERIOD = set(range(0, 60, PERIOD))


async def on_startup(ctx: dict[str, Any]) -> None:
    log.configure(SETTINGS.log_level)  # again: `arq` itself has set up its own logging by now
    stack = ctx["stack"] = AsyncExitStack()
    stopping = Stopping(cast("asyncio.Task[None]", asyncio.current_task()), ctx["redis"].hurry)
    stopping.listen()
    resources = await stack.enter_async_context(open_resources(SETTINGS))
    try:
        await wait_for_store(resources)
    except SettingsError as error:
        end(error)
    ctx["crew"] = build_worker(resources)
    stopping.close_first(ctx["crew"].close)
    hours = asyncio.create_task(keep_hours(WorkerSettings.cron_jobs, PERIOD))
    stack.callback(hours.cancel)
    memory.settle()
    structlog.get_logger().info("worker.started")


async def on_shutdown(ctx: dict[str, Any]) -> None:
    """Close what on_startup opened."""
    if "stack" not in ctx:
        return  # it waited for Redis, and came no further
    if "crew" in ctx:
        await ctx["crew"].close()
    await ctx["stack"].aclose()
    structlog.get_logger().info("worker.stopped")


def place(url: str) -> RedisSettings:
    """Tell arq where Redis is as redis-py reads it in the URL: arq reads no password with a % in it, nor all paths."""
    known = defaults_for(url) | read(url)
    settings = {name: known[theirs] for theirs, name in AS_ARQ_SAYS.items() if theirs in known}
    return RedisSettings(**settings, ssl=urlsplit(url).scheme == "rediss")


class WorkerSettings:
    """Each function also runs by cron on every worker (`unique=False`): the bell only makes it sooner."""

    functions: ClassVar = [
        func(jobs.poll_shift, name=Alarm.POLL.value, keep_result=0, timeout=JOB_TIMEOUT),
        func(jobs.deliver_shift, name=Alarm.DELIVER.value, keep_result=0, timeout=JOB_TIMEOUT),
        func(jobs.sweep, name=Alarm.SWEEP.value, keep_result=0, timeout=JOB_TIMEOUT),
    ]
    cron_jobs: ClassVar = [
        cron(
            job,
            name=f"cron:{alarm.value}",
            second=EVERY_PERIOD,
            unique=False,
            keep_result=0,
            timeout=JOB_TIMEOUT,
            max_tries=MAX_TRIES,
        )
        for alarm, job in (
            (Alarm.POLL, jobs.poll_shift),
            (Alarm.DELIVER, jobs.deliver_shift),
            (Alarm.SWEEP, jobs.sweep),
        )
    ]
    on_startup = on_startup
    on_shutdown = on_shutdown
    redis_pool = queue.connect(SETTINGS.redis_url, SETTINGS.redis_url_file, patience=PATIENCE)
    redis_settings = place(SETTINGS.redis_url.reveal())
    """Only for `arq --check`, which opens a connection of its own."""
    queue_name = queue.QUEUE
    job_serializer = queue.serialize
    job_deserializer = queue.deserialize
    poll_delay = 0.05
    """The shortest time between two looks at the queue; between them the line waits for a ring."""
    max_jobs = 50
    queue_read_limit = 500
    """Crashed jobs stay at the head of arq's queue for a while; an idle worker must be able to look past them."""
    keep_result = 0
    max_tries = MAX_TRIES
    health_check_interval = 5
    log_results = False
    allow_abort_jobs = False


def run() -> None:
    """Run a worker until it is told to stop, as `arq` does."""
    run_worker(cast("WorkerSettingsType", WorkerSettings))
