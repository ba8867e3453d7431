"""`serve` and `worker`: thin wrappers around uvicorn and arq."""

import contextlib
import resource
from collections.abc import Iterator

import click

from bridge.cli.up.ports import require_free
from bridge.domain.times import SECOND
from bridge.errors import BridgeError
from bridge.memory import block_unused_imports

OPEN_FILES = 65_536
GRACE = 10
"""Seconds for open requests after SIGTERM; `up` and container runtimes wait longer before SIGKILL."""


@contextlib.contextmanager
def last_words(process: str) -> Iterator[None]:
    """Log the error that ends a process, and raise it again for the command line."""
    try:
        yield
    except Exception as error:
        from bridge.log import last_words as log_last_words  # noqa: PLC0415 - after the libraries are blocked

        log_last_words(process, error, expected=isinstance(error, BridgeError))
        raise


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the API."""
    block_unused_imports()
    with last_words("api"):
        _serve(host, port)


def _serve(host: str, port: int) -> None:
    import uvicorn  # noqa: PLC0415 - after the libraries are blocked

    from bridge.checked_settings import load_checked  # noqa: PLC0415
    from bridge.web.app import build  # noqa: PLC0415
    from bridge.web.http_protocol import Connection  # noqa: PLC0415
    from bridge.web.lifespan import StartupErrors  # noqa: PLC0415

    keep_alive = load_checked().http_keep_alive
    require_free(host, port, "The API")
    app = StartupErrors(build(), report=False)
    raise_file_limit()
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            http=Connection,
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


def raise_file_limit() -> None:
    """Raise the limit of open files: a shell's usual 1024 are too few for 1,000 connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # the system has a lower limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@click.command()
def worker() -> None:
    """Run one worker.

    Any number may run, on any number of machines.
    """
    block_unused_imports()
    with last_words("worker"):
        from workers.settings import run  # noqa: PLC0415 - importing it reads the settings

        run()
