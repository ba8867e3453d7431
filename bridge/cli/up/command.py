"""`rally-bridge up`: everything on one machine, as processes of their own that are kept alive."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click
import httpx
from rich.console import Console

from bridge.cli.up import embedded_redis, environment, external_redis, ports, restored_dump
from bridge.cli.up.banner import Banner
from bridge.cli.up.data_dir import DataDir, opened
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.generated_secrets import load_or_generate
from bridge.cli.up.program import Program
from bridge.cli.up.signals import Signals
from bridge.cli.up.supervisor import StopRequested, Supervisor, clean_up
from bridge.settings import Settings

DATA_DIR = Path("rally-bridge-data")
LOOPBACK = "127.0.0.1"
HEALTH_TIMEOUT = 1.0


@click.command("up")
@click.option("--sandbox", is_flag=True, help="Ask a stand-in for Rally; Slack and callbacks go to an inbox page.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help=f"Where everything is kept.  [default: {DATA_DIR}; with --sandbox {DATA_DIR / 'sandbox'}]",
)
@click.option("--host", default=LOOPBACK, show_default=True, help="Address that the API listens on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(1, ports.LAST_PORT),
    help="Port of the API; the sandbox takes the next one.",
)
def command(*, sandbox: bool, data_dir: Path | None, host: str, port: int) -> None:
    """Run everything on this machine: Redis, the API, a worker; and a sandbox to try it with."""
    given = UserSettings.read()
    if not sandbox:
        environment.require_rally(given)
    path = data_dir or (DATA_DIR / "sandbox" if sandbox else DATA_DIR)
    with opened(path) as data, Signals() as signals:
        made = load_or_generate(data, sandbox=sandbox)
        clean_up(data, _say)
        ports.require_free(host, port, "The API")
        if sandbox:
            ports.require_free(LOOPBACK, port + 1, "The sandbox")
        programs = _programs(data, given, made, host=host, port=port, sandbox=sandbox)
        banner = Banner(
            api=ports.url(host, port),
            sandbox=ports.url(LOOPBACK, port + 1) if sandbox else None,
            key="$KEY" if environment.has_clients(given) else made["BRIDGE_API_KEYS"].split(":")[1],
            data=data.path,
            logs=data.logs,
        )
        if not given.has("REDIS_URL"):
            try:
                restored_dump.import_dump(data, signals=signals, say=_say)
            except StopRequested:
                return
        Supervisor(programs, data=data, signals=signals, say=_say).run(lambda: banner.print(Console()))


def _programs(
    data: DataDir, given: UserSettings, made: Mapping[str, str], *, host: str, port: int, sandbox: bool
) -> list[Program]:
    """Give the programs in the order of their start; they stop in reverse: the API first, Redis last."""
    redis, redis_url = _redis(data, given, sandbox=sandbox)
    settings = (
        environment.sandboxed(given, made, redis_url, port + 1) if sandbox else environment.live(given, made, redis_url)
    )
    env = environment.environment_with(settings)
    checked = Settings.load(env)  # what the children would refuse, each in its log, is told before anything starts
    if not redis:
        asyncio.run(external_redis.check(checked))
    bridge = (sys.executable, "-m", "bridge.cli")
    return [
        *redis,
        *([_sandbox(environment.sandbox_itself(given, made), port + 1)] if sandbox else []),
        Program(name="worker", argv=(*bridge, "worker"), env=env),
        Program(
            name="api",
            argv=(*bridge, "serve", "--host", host, "--port", str(port)),
            env=env,
            ready=partial(_answers, f"{ports.url(host, port)}/healthz"),
        ),
    ]


def _redis(data: DataDir, given: UserSettings, *, sandbox: bool) -> tuple[list[Program], str | None]:
    """Give the embedded Redis and its URL; nothing of both where the user has a Redis already."""
    if given.has("REDIS_URL"):
        external_redis.keep_apart(given.value("REDIS_URL"), sandbox=sandbox)
        return [], None
    binary, socket = embedded_redis.find_binary(), embedded_redis.socket_for(data)
    embedded_redis.refuse_misfits(binary, data, socket)
    restored_dump.refuse_newer_dump(data)
    return [embedded_redis.program(binary, data, socket)], embedded_redis.url(socket)


def _sandbox(settings: Mapping[str, str], port: int) -> Program:
    uvicorn = (sys.executable, "-m", "uvicorn", "--factory", "bridge.sandbox.app:create_app")
    return Program(
        name="sandbox",
        argv=(*uvicorn, "--host", LOOPBACK, "--port", str(port), "--no-access-log", "--no-server-header"),
        env=environment.environment_with(settings),
        ready=partial(_answers, f"{ports.url(LOOPBACK, port)}/inbox"),
    )


def _answers(url: str, _pid: int) -> bool:
    try:
        return httpx.get(url, timeout=HEALTH_TIMEOUT, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _say(line: str) -> None:
    # When the terminal is gone there is nobody to tell; that must not keep us from stopping what runs.
    with contextlib.suppress(OSError):
        click.echo(line)
