"""The TCP ports that `up` needs: whether they are free, and how to reach what listens there."""

import errno
import os
import socket

from bridge.cli.errors import CannotStart

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound
LAST_PORT = 65535


def require_valid(port: int, what: str) -> None:
    """Raise CannotStart unless there is a port of that number."""
    if port > LAST_PORT:
        raise CannotStart(f"{what} would need port {port}; there is none beyond {LAST_PORT}. Choose a lower --port.")


def require_free(host: str, port: int, what: str) -> None:
    """Raise CannotStart unless the port can be listened on now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise CannotStart(
            f"{what} can't listen on {host}: {error.strerror}. Choose another address with --host."
        ) from error
    except OSError as error:
        way_out = "address with --host" if error.errno == errno.EADDRNOTAVAIL else "port with --port"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotStart(
            f"{what} can't listen on port {port} of {host}: {reason}. Choose another {way_out}."
        ) from error


def url(host: str, port: int) -> str:
    """Give the address at which this machine reaches a server that listens on `host`."""
    reachable = EVERYWHERE.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
