"""The sections of the runbook guide, by their anchors: alerts and the console link to them."""

from enum import StrEnum


class Section(StrEnum):
    """A problem, as the runbook names it."""

    API_SILENT = "the-api-does-not-answer"
    REDIS_SILENT = "redis-does-not-answer"
    REDIS_FULL = "redis-is-full"
    REDIS_EVICTS = "redis-deletes-data"
    REDIS_NOT_DURABLE = "redis-may-lose-data"
    REPLICAS_MISSING = "replicas-of-redis-are-missing"
    NO_WORKER = "no-worker-is-alive"
    KEY_REFUSED = "rally-refuses-the-key"
    IMPORTS_VANISHED = "rally-no-longer-shows-the-imports"
    RALLY_DOWN = "rally-is-down"
    LIMIT_USED_UP = "rallys-limit-is-used-up"
    POLLS_LATE = "polls-are-late"
    RECEIVER_FAILS = "a-receiver-fails"
    ABANDONED = "messages-were-abandoned"
    MESSAGES_LATE = "messages-are-late"
    PUSH_SILENT = "rally-no-longer-pushes"
    NOTICES_FAIL = "notices-fail"
    INTERNAL_ERRORS = "calls-are-answered-with-500"
