"""The TCP ports that `up` needs: check that they are free, and form their URLs."""

import errno
import os
import socket

from bridge.cli.errors import CannotStart

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound
LAST_PORT = 65535


def require_valid(port: int, what: str) -> None:
    """Raise CannotStart unless the number is that of a port."""
    if port > LAST_PORT:
        raise CannotStart(f"{what} would need port {port}, but the last one is {LAST_PORT}. Choose a lower --port.")


def require_free(host: str, port: int, what: str) -> None:
    """Raise CannotStart unless the port can be bound now."""
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
        option = "address with --host" if error.errno == errno.EADDRNOTAVAIL else "port with --port"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotStart(
            f"{what} can't listen on port {port} of {host}: {reason}. Choose another {option}."
        ) from error


def url(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server that listens on `host`."""
    reachable = WILDCARDS.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
