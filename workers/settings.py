"""The settings of arq, for `arq workers.settings.WorkerSettings`. Importing this module reads the environment."""

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
from bridge.queue import Job
from bridge.redis.options import defaults_for, read
from bridge.resources import load_checked, open_resources
from bridge.startup import PATIENCE, wait_for_store
from workers import jobs
from workers.cron import keep_on_schedule
from workers.shutdown import Shutdown
from workers.worker import PERIOD, build_worker

JOB_TIMEOUT = 60
"""Seconds after which arq cancels a job. Its mark that the job is in progress lasts ten seconds longer."""
MAX_TRIES = 1_000_000
"""An interrupted job may run again at any time, because it only starts a shift. arq's default for cron jobs is 1."""

ARQ_NAMES = {"path": "unix_socket_path", "db": "database"} | {
    name: name
    for name in (
        *("host", "port", "username", "password"),
        *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"),
    )
}
"""The options that a Redis URL may contain: redis-py's name of each, and arq's."""


def exit_with(error: SettingsError) -> NoReturn:
    """Print the problems instead of a traceback and exit, also when started by `arq`."""
    print(error, file=sys.stderr)  # noqa: T201
    sys.exit(2)


try:
    SETTINGS = load_checked()
except SettingsError as error:
    exit_with(error)
log.configure(SETTINGS.log_level)  # before on_startup, because arq may first wait for Redis and log that
EVERY_PERIOD = set(range(0, 60, PERIOD))


async def on_startup(ctx: dict[str, Any]) -> None:
    log.configure(SETTINGS.log_level)  # again, because `arq` has set up its own logging by now
    stack = ctx["stack"] = AsyncExitStack()
    shutdown = Shutdown(cast("asyncio.Task[None]", asyncio.current_task()), ctx["redis"].hurry)
    shutdown.listen_for_signals()
    resources = await stack.enter_async_context(open_resources(SETTINGS))
    try:
        await wait_for_store(resources)
    except SettingsError as error:
        exit_with(error)
    ctx["worker"] = build_worker(resources)
    shutdown.on_begin(ctx["worker"].close)
    schedule = asyncio.create_task(keep_on_schedule(WorkerSettings.cron_jobs, PERIOD))
    stack.callback(schedule.cancel)
    memory.trim_after_startup()
    structlog.get_logger().info("worker.started")


async def on_shutdown(ctx: dict[str, Any]) -> None:
    """Close what on_startup opened."""
    if "stack" not in ctx:
        return  # on_startup was not reached: Redis was unavailable
    if "worker" in ctx:
        await ctx["worker"].close()
    await ctx["stack"].aclose()
    structlog.get_logger().info("worker.stopped")


def arq_redis_settings(url: str) -> RedisSettings:
    """Return arq's settings for a URL, parsed by redis-py: arq's parser fails on % in a password and on some paths.

    No upstream issue found; https://github.com/python-arq/arq/pull/392 corrected one of the paths.
    """
    known = defaults_for(url) | read(url)
    settings = {arq_name: known[name] for name, arq_name in ARQ_NAMES.items() if name in known}
    return RedisSettings(**settings, ssl=urlsplit(url).scheme == "rediss")


class WorkerSettings:
    """Each function also runs by cron on every worker (`unique=False`); the bell only runs it sooner."""

    functions: ClassVar = [
        func(jobs.poll_shift, name=Job.POLL.value, keep_result=0, timeout=JOB_TIMEOUT),
        func(jobs.deliver_shift, name=Job.DELIVER.value, keep_result=0, timeout=JOB_TIMEOUT),
        func(jobs.sweep, name=Job.SWEEP.value, keep_result=0, timeout=JOB_TIMEOUT),
    ]
    cron_jobs: ClassVar = [
        cron(
            function,
            name=f"cron:{job.value}",
            second=EVERY_PERIOD,
            unique=False,
            keep_result=0,
            timeout=JOB_TIMEOUT,
            max_tries=MAX_TRIES,
        )
        for job, function in (
            (Job.POLL, jobs.poll_shift),
            (Job.DELIVER, jobs.deliver_shift),
            (Job.SWEEP, jobs.sweep),
        )
    ]
    on_startup = on_startup
    on_shutdown = on_shutdown
    redis_pool = queue.connect(SETTINGS.redis_url, SETTINGS.redis_url_file, patience=PATIENCE)
    redis_settings = arq_redis_settings(SETTINGS.redis_url.reveal())
    """The settings for `arq --check`, which opens its own connection."""
    queue_name = queue.QUEUE
    job_serializer = queue.serialize
    job_deserializer = queue.deserialize
    poll_delay = 0.05
    """The shortest time between two reads of the queue; between them, the connection waits for a wake-up."""
    max_jobs = 50
    queue_read_limit = 500
    """The number of jobs that one read returns. Crashed jobs stay at the head of the queue for a while."""
    keep_result = 0
    max_tries = MAX_TRIES
    health_check_interval = 5
    log_results = False
    allow_abort_jobs = False


def run() -> None:
    """Run a worker until a signal stops it, as `arq` does."""
    run_worker(cast("WorkerSettingsType", WorkerSettings))
