"""The bell, which makes a worker run a job at once, and every change of arq's behaviour.

The table "Changes of arq and redis-py" of the architecture guide lists these changes.
"""

from bridge.queue.arq_redis import ResilientArqRedis, connect
from bridge.queue.bell import Bell, Job
from bridge.queue.job_queue import QUEUE, deserialize, serialize
from bridge.queue.redis_settings import redis_settings

__all__ = ["QUEUE", "Bell", "Job", "ResilientArqRedis", "connect", "deserialize", "redis_settings", "serialize"]
