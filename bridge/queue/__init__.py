"""The bell, which makes a worker run a job at once, and arq's connection with every override of it."""

from bridge.queue.arq_redis import ResilientArqRedis, connect
from bridge.queue.bell import Bell, Job
from bridge.queue.job_queue import QUEUE, deserialize, serialize
from bridge.queue.redis_settings import redis_settings

__all__ = ["QUEUE", "Bell", "Job", "ResilientArqRedis", "connect", "deserialize", "redis_settings", "serialize"]
