"""Leaving: those who wait for news are answered as soon as the process is asked to end.

A server ends its connections before it ends the lifespan, so that the lifespan hears of a SIGTERM too late.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_shutdown_signal(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` when a signal asks the process to end, and then whoever listened for it before us."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only a main thread hears signals
        return
    before: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in SIGNALS}

    def hear(number: int, frame: FrameType | None) -> None:
        tell()
        if callable(heir := before[signal.Signals(number)]):
            heir(number, frame)

    for each in SIGNALS:
        if callable(before[each]):
            signal.signal(each, hear)
    try:
        yield
    finally:
        for each, heir in before.items():
            signal.signal(each, heir)
