"""`python -m tests.benchmarks [NAME…]`: print every table or the named ones, with the machine and versions."""

import platform
import sys
from importlib import import_module
from importlib.metadata import version
from os import cpu_count

from tests.benchmarks.stage import RUNS, stage

TABLES = (
    "detection",
    "polling",
    "pressure",
    "latency",
    "memory",
    "idle",
    "idle_stack",
    "delivery",
    "accepting",
    "receiving",
    "push_latency",
    "push_flood",
    "listing",
    "console",
    "failed_records",
    "slack",
    "living",
    "peers",
    "pushes",
)


def main() -> None:
    asked = sys.argv[1:] or TABLES
    if unknown := set(asked) - set(TABLES):
        raise SystemExit(f"There is no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}.")
    with stage() as our_stage:
        redis = our_stage.info("server")["redis_version"]
    parts = ", ".join(f"{name} {version(name)}" for name in ("httpx", "arq", "redis", "starlette", "uvicorn"))
    print(f"{cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}")
    print(f"Redis {redis} with appendfsync always; {parts}; {RUNS} runs each, everything on loopback\n")
    for name in asked:
        import_module(f"tests.benchmarks.{name}").main()
        print(flush=True)


if __name__ == "__main__":
    main()
