"""The bell, which has a worker start a shift at once, and arq's connection. The only place here that knows arq."""

from bridge.queue.bell import Alarm, Bell
from bridge.queue.connection import QUEUE, Line, connect, deserialize, serialize

__all__ = ["QUEUE", "Alarm", "Bell", "Line", "connect", "deserialize", "serialize"]
