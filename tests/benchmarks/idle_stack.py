"""The idle stack: CPU of the services of docker-compose.yml without work, and of their health checks."""

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx

from bridge.cli.deploy.parts import ALIVE_CHECK, ALIVE_FILE
from tests.benchmarks.idle import SETTLED, cpu_seconds
from tests.benchmarks.stage import RUNS, Stage, free_port, row, stage
from tests.support.processes import wait_for

WATCHED = 60
GET = "GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
API_CHECK = 'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "{get}" >&3 && read -r _ status _ <&3 && test "$status" = 200'


def health_checks(our_stage: Stage, port: int, alive: Path) -> Sequence[tuple[int, list[str]]]:
    """Return the health checks of the three services, each with the seconds between two."""
    place = our_stage.redis_url.removeprefix("unix://")
    cli = shutil.which("valkey-cli") or shutil.which("redis-cli")
    ping = [(5, [cli, "-s", place, "-e", "ping"])] if cli else []
    return [
        (10, ["bash", "-c", API_CHECK.format(port=port, get=GET)]),
        (15, ["sh", "-c", ALIVE_CHECK.replace(ALIVE_FILE, str(alive))]),
        *ping,
    ]


def check_for(seconds: int, checks: Sequence[tuple[int, list[str]]]) -> None:
    """Run the health checks at their intervals."""
    began = monotonic()
    for second in range(seconds):
        for every, command in checks:
            if second % every == 0:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        sleep(max(0.0, began + second + 1 - monotonic()))


def run() -> list[float]:
    """Return the % of a core of the worker, of `serve`, of Redis and of the health checks."""
    port = free_port()
    with TemporaryDirectory(prefix="rb-idle-") as home, stage() as our_stage:
        alive = Path(home) / "worker-alive"
        worker_settings = {"WORKER_ALIVE_FILE": str(alive), "WORKER_METRICS_PORT": str(free_port())}
        with (
            our_stage.process("-m", "bridge.cli", "worker", **worker_settings) as worker,
            our_stage.process("-m", "bridge.cli", "serve", "--port", str(port)) as serve,
        ):
            wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False), "the API has started")
            sleep(SETTLED)
            services = [worker.pid, serve.pid, our_stage.info("server")["process_id"]]
            began, before = monotonic(), _used(services)
            check_for(WATCHED, health_checks(our_stage, port, alive))
            took, after = monotonic() - began, _used(services)
            return [(now - was) / took * 100 for now, was in zip(after, before, strict=True)]


def _used(services: Sequence[int]) -> list[float]:
    """Return the CPU seconds of each service, and of the health checks."""
    checks = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [*(cpu_seconds(each) for each in services), checks.ru_utime + checks.ru_stime]


def main() -> None:
    print(f"Idle stack: one worker, one `serve` and Redis for {WATCHED} s, on {os.cpu_count()} cores")
    runs = [run() for _ in range(RUNS)]
    for name, values in zip(("worker", "serve", "Redis", "health checks"), zip(*runs, strict=True), strict=True):
        row(f"{name}, % of a core", f"{median(values):.2f}")
    row("all together, % of a core", f"{median(map(sum, runs)):.2f}", "goal ≤ 3")


if __name__ == "__main__":
    main()
