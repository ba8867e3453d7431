"""The bell, which has a worker start a shift at once, and arq's connection. The only place here that knows arq."""

from bridge.queue.arq_redis import QUEUE, ResilientArqRedis, connect, deserialize, serialize
from bridge.queue.bell import Alarm, Bell

__all__ = ["QUEUE", "Alarm", "Bell", "ResilientArqRedis", "connect", "deserialize", "serialize"]
