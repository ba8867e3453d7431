"""`serve` and `worker`: thin over uvicorn and arq, which also start directly."""

import contextlib
import resource
import sys
from importlib import import_module

import click

from bridge.domain.times import SECOND
from bridge.settings import Settings

FILES = 65_536
UNUSED = ("pygments", "rich", "watchfiles")
"""Libraries that structlog, httpx and uvicorn load where they are installed, for what a service never does."""
GRACE = 10
"""Seconds that open requests get to end after SIGTERM; `up` and container runtimes wait longer before they kill."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the API."""
    leave_out_what_is_unused()
    keep_alive = Settings.load().http_keep_alive
    web = import_module("bridge.web.app")
    app = web.StartupErrors(web.build(), report=False)
    allow_connections()
    try:
        import_module("uvicorn").run(
            app,
            host=host,
            port=port,
            http=import_module("bridge.web.http_protocol").Connection,
            timeout_keep_alive=max(1, keep_alive // SECOND),
            ws="none",  # a handshake is a GET like any other here; else uvicorn itself would answer it, with a bare 403
            log_config=None,  # the lifespan sets up our own lines
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
    except SystemExit:
        if app.error:
            raise app.error from None
        raise


def leave_out_what_is_unused() -> None:
    """Have an import of these libraries fail, as if they were not installed: some MB of each process."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # what Python documents to end an import with


def allow_connections() -> None:
    """Let this process hold as many connections as it may: a shell's usual 1024 files would be too few for 1,000."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # the system knows another limit, and says so only now
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@click.command()
def worker() -> None:
    """Run one worker; start as many as you like, on as many machines."""
    leave_out_what_is_unused()
    # By name, since `bridge` does not import `workers`.
    import_module("workers.settings").run()
