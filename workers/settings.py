"""The settings of arq, for `arq workers.settings.WorkerSettings`. Importing this module reads the environment.

What the jobs do is in `jobs`, what a worker does at its start and end in `lifespan`.
"""

import asyncio
from contextlib import suppress
from typing import ClassVar, cast

from arq.typing import WorkerSettingsType
from arq.worker import run_worker

from bridge import log, packages, queue
from bridge.checked_settings import load_checked
from bridge.errors import SettingsError, WrongPackage
from bridge.startup import PATIENCE
from workers import jobs
from workers.lifespan import Lifespan, exit_with

try:
    packages.check_own_files()
    SETTINGS = load_checked()
except (SettingsError, WrongPackage) as error:
    exit_with(error)
log.configure(SETTINGS.log_level, "worker")  # before on_startup, because arq may first wait for Redis and log that
LIFESPAN = Lifespan(SETTINGS, jobs.CRON_JOBS)


class WorkerSettings:
    """The settings of arq's worker. Cron runs each job on every worker; the bell only runs it sooner."""

    functions: ClassVar = jobs.FUNCTIONS
    cron_jobs: ClassVar = jobs.CRON_JOBS
    on_startup = LIFESPAN.on_startup
    on_shutdown = LIFESPAN.on_shutdown
    redis_pool = queue.connect(SETTINGS.redis_url, SETTINGS.redis_url_file, SETTINGS.sentinel_login, patience=PATIENCE)
    redis_settings = queue.redis_settings(SETTINGS.redis_url.reveal())
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
    max_tries = jobs.MAX_TRIES
    health_check_interval = 5
    log_results = False
    allow_abort_jobs = False


def run() -> None:
    """Run a worker until a signal stops it, as `arq` does; on uvloop where it is installed, as uvicorn does."""
    with suppress(ImportError):
        import uvloop  # noqa: PLC0415 - it does not exist for Windows and PyPy

        asyncio.set_event_loop(uvloop.new_event_loop())
    run_worker(cast("WorkerSettingsType", WorkerSettings))
