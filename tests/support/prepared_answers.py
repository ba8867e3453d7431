"""A server that gives prepared answers, whatever is requested: in order, and the last one again and again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

PIECES = 50


@dataclass(frozen=True)
class Prepared:
    """One answer to a GET."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long it takes to send the body, in many small pieces."""


@contextmanager
def answering(*answers: Prepared) -> Iterator[str]:
    """Serve the answers; yield the URL."""
    left, ended = list(answers), Event()

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            size = len(answer.body) if not answer.seconds else 1 + len(answer.body) // PIECES
            with suppress(ConnectionError):
                for start in range(0, len(answer.body), size):
                    self.wfile.write(answer.body[start : start + size])
                    if answer.seconds and ended.wait(answer.seconds / PIECES):
                        return

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        ended.set()
        server.shutdown()
