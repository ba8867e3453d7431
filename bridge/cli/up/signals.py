"""The signals of `up` as a queue that is polled, instead of exceptions at any point."""

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Signals:
    """While entered, SIGINT, SIGTERM, SIGHUP and SIGCHLD only wake `wait`."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> Self:
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        # Signals that were ignored before stay ignored: that is how `nohup` works.
        handled = [s for s in (*STOP, signal.SIGCHLD) if s == signal.SIGCHLD or signal.getsignal(s) != signal.SIG_IGN]
        self._previous = {number: signal.signal(number, _only_wake) for number in handled}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> bool:
        """Sleep until a signal arrives, for at most `seconds`. Return whether it was a request to stop."""
        readable, _, _ = select.select([self._reader], [], [], seconds)
        return bool(readable) and any(number in STOP for number in self._reader.recv(4096))


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: Python itself writes the signal's number to the wakeup socket."""
