"""The API on a real port with a worker beside it, in one thread: a bridge to call from outside, without a process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from structlog.testing import capture_logs

from bridge.web.app import build
from tests.support.plain_http import plain_client
from tests.support.world import World, opened

ROUND = 0.1
"""Seconds between two starts of the worker's shifts, and between two sweeps."""


@dataclass(frozen=True)
class LiveBridge:
    """A running bridge and the sandbox that it works with."""

    url: str
    sandbox_url: str

    def set_import(
        self,
        import_id: str,
        *statuses: tuple[str, float],
        failed: int = 0,
        failed_records: list[dict[str, str]] | None = None,
    ) -> None:
        """Define an import and its statuses, as (status, seconds from now)."""
        steps = [{"status": status, "after": after} for status, after in statuses]
        story: dict[str, Any] = {"type": "CSV", "people": 120, "failed": failed, "statuses": steps}
        if failed_records is not None:
            story["failedRecords"] = failed_records
        self._control("PUT", f"imports/{import_id}", story)

    def set_answers(self, name: str, *statuses: int) -> None:
        """Set the statuses with which the receiver of a callback answers the next messages."""
        answers = [{"status": status} for status in statuses]
        self._control("POST", f"inbox/{name}/answers", answers)

    def _control(self, method: str, path: str, body: Any) -> None:
        with plain_client(f"{self.sandbox_url}/control/") as http:
            http.request(method, path, json=body).raise_for_status()

    def callback_url(self, name: str) -> str:
        return f"{self.sandbox_url}/inbox/callbacks/{name}"


@contextmanager
def live_bridge(redis_url: str, sandbox_url: str, config: str = "", **changes: str) -> Iterator[LiveBridge]:
    """Run a bridge on an empty Redis and an empty sandbox until the end of the block."""
    url: Future[str] = Future()
    stop = threading.Event()
    # Its log would be printed among what the commands of a test print.
    with capture_logs(), ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(_serve(opened(redis_url, sandbox_url, config, **changes), url, stop)))
        running.add_done_callback(lambda _: url.cancel())
        try:
            yield LiveBridge(url.result(20), sandbox_url)
        finally:
            stop.set()
            running.result(20)


async def _serve(opening: AbstractAsyncContextManager[World], url: "Future[str]", stop: threading.Event) -> None:
    async with opening as world:
        server = uvicorn.Server(
            uvicorn.Config(build(world.resources), port=0, log_config=None, lifespan="off", ws="none")
        )
        listening = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await world.heartbeat()
        url.set_result(f"http://127.0.0.1:{listening.getsockname()[1]}")
        while not stop.is_set():
            await world.heartbeat()
            for shift in (*world.worker.polls.values(), world.worker.record_reads, world.worker.deliveries):
                shift.start()
            await world.worker.sweep.run()
            await asyncio.sleep(ROUND)
        server.should_exit = True
        await serving
