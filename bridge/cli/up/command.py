"""`rally-bridge up`: everything on one machine, as supervised processes."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click
import httpx

from bridge.checked_settings import load_checked
from bridge.cli.console import CommandConsole
from bridge.cli.up import embedded_redis, environment, exports, external_redis, ports, restored_dump
from bridge.cli.up.banner import Banner
from bridge.cli.up.data_dir import DataDir, open_data_dir
from bridge.cli.up.embedded_redis import OLDEST_PREFERRED, RedisBinary
from bridge.cli.up.environment import UserSettings
from bridge.cli.up.first_rule import write_first_rule
from bridge.cli.up.generated_secrets import load_or_generate
from bridge.cli.up.orphans import stop_leftovers
from bridge.cli.up.program import Program
from bridge.cli.up.signals import Signals
from bridge.cli.up.supervisor import StopRequested, Supervisor
from bridge.packages import HOME
from bridge.redis.server import dotted
from bridge.settings import Settings

DATA_DIR = Path("rally-bridge-data")
LOOPBACK = "127.0.0.1"
HEALTH_TIMEOUT = 1.0
PYTHON = (sys.executable, "-P", "-m")
"""The command for Python; with -P it imports no packages from the current directory."""


@click.command("up")
@click.option(
    "--sandbox", is_flag=True, help="Use a simulated Rally; Slack messages and callbacks go to an inbox page."
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help=f"Directory for all data.  [default: {DATA_DIR}; with --sandbox {DATA_DIR / 'sandbox'}]",
)
@click.option("--host", default=LOOPBACK, show_default=True, help="Address that the API listens on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(1, ports.LAST_PORT),
    help="Port of the API; the sandbox takes the next one, the worker's metrics the one after.",
)
@click.option(
    "--system-redis",
    is_flag=True,
    help=f"Start the redis-server or valkey-server on the PATH if it is {dotted(OLDEST_PREFERRED)} or newer,"
    " instead of the bundled Valkey.",
)
def command(*, sandbox: bool, data_dir: Path | None, host: str, port: int, system_redis: bool) -> None:
    """Run everything on this machine.

    Redis, the API, a worker and, with --sandbox, a sandbox.
    """
    path = data_dir or (DATA_DIR / "sandbox" if sandbox else DATA_DIR)
    user = UserSettings.read(path)
    if sandbox:
        ports.require_valid(port + 1, "The sandbox")
    environment.require_settings(user, sandbox_port=port + 1 if sandbox else None)
    with open_data_dir(path) as data, Signals() as signals:
        generated = load_or_generate(data, sandbox=sandbox)
        if sandbox:
            user = write_first_rule(data, user)
        stop_leftovers(data, _echo)
        redis_url = None if user.has("REDIS_URL") else embedded_redis.url(embedded_redis.socket_for(data))
        env = environment.of_bridge(user, generated, redis_url, sandbox_port=port + 1 if sandbox else None)
        env = environment.with_worker_metrics(env, user, port + 2)
        settings = load_checked(env)  # before any start, as each child would report problems in its own log only
        server = None if user.has("REDIS_URL") else embedded_redis.find_binary(prefer_system=system_redis)
        _require_ports(host, port, sandbox=sandbox)
        programs = [*_redis(data, settings, server, sandbox=sandbox), *_bridge(env, host, port)]
        if sandbox:
            simulated = environment.of_sandbox(user, generated, settings, ports.url(host, port))
            programs.insert(-2, _sandbox(simulated, port + 1))  # before the worker, which calls it
        banner = _banner(data, user, generated, settings, host=host, port=port, sandbox=sandbox)
        if server:
            try:
                restored_dump.import_dump(data, server, signals=signals, echo=_echo)
            except StopRequested:
                return
        exports.write(data, banner.exports)
        if banner.rally:
            exports.write(data, banner.rally, exports.RALLY_FILE)
        Supervisor(programs, data=data, signals=signals, echo=_echo).run(lambda: banner.print(CommandConsole()))


def _banner(
    data: DataDir,
    user: UserSettings,
    generated: Mapping[str, str],
    settings: Settings,
    *,
    host: str,
    port: int,
    sandbox: bool,
) -> Banner:
    api, sandbox_url = ports.url(host, port), ports.url(LOOPBACK, port + 1) if sandbox else None
    key = None if environment.has_clients(user) else environment.client_key(user, generated)
    return Banner(
        api=api,
        sandbox=sandbox_url,
        exports=exports.of_bridge(api, key),
        rally=exports.of_sandbox(sandbox_url, generated) if sandbox_url else {},
        rule_file=_short(settings.bridge_config_file) if settings.bridge_config_file and settings.rules else None,
        slack_app=settings.slack_client is not None,
        pushed=[] if sandbox else [name for name, each in settings.workspaces.items() if each.webhook_secrets],
        console=settings.bridge_console,
        data=data.path,
        logs=data.logs,
    )


def _short(path: str) -> str:
    """Return a path relative to the current directory, if it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _require_ports(host: str, port: int, *, sandbox: bool) -> None:
    if sandbox:
        ports.require_free(LOOPBACK, port + 1, "The sandbox")
    ports.require_free(host, port, "The API")


def _redis(data: DataDir, settings: Settings, server: RedisBinary | None, *, sandbox: bool) -> list[Program]:
    """Return the embedded Redis; if the user has a Redis, check that instead and return nothing."""
    if server is None:
        external_redis.require_same_mode(settings.redis_url.reveal(), settings.sentinel_login, sandbox=sandbox)
        asyncio.run(external_redis.check(settings))
        return []
    socket = embedded_redis.socket_for(data)
    embedded_redis.require_unused(socket)
    restored_dump.refuse_newer_dump(data)
    return [embedded_redis.program(server, data, socket)]


def _bridge(env: Mapping[str, str], host: str, port: int) -> list[Program]:
    """Return the worker and the API in the order of their start; they stop in reverse, so the API first."""
    bridge = (*PYTHON, "bridge.cli")
    return [
        Program(name="worker", argv=(*bridge, "worker"), env=env),
        Program(
            name="api",
            argv=(*bridge, "serve", "--host", host, "--port", str(port)),
            env=env,
            ready=partial(_answers, f"{ports.url(host, port)}/healthz"),
        ),
    ]


def _sandbox(settings: Mapping[str, str], port: int) -> Program:
    uvicorn = (*PYTHON, "uvicorn", "--app-dir", str(HOME), "--factory", "bridge.sandbox.app:create_app")
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


def _echo(line: str) -> None:
    # The terminal may be gone; the processes must be stopped all the same.
    with contextlib.suppress(OSError):
        click.echo(line)
