"""What this process has counted. The values live as long as the process."""

from bridge.metrics import catalogue
from bridge.metrics.counts import Count, Distribution

KINDS = ("slack_webhook", "slack", "callback")
"""The kinds of destinations; `named` stands for a name that is not configured any more."""
REDIS_ERRORS = ("unavailable", "full", "replicas", "refused")

redis_errors = Count(catalogue.REDIS_ERRORS, known=[(error,) for error in REDIS_ERRORS])
notices = Count(catalogue.NOTICES, known=[("delivered",), ("failed",)])
requests = Count(catalogue.REQUESTS)
request_duration = Distribution(catalogue.REQUEST_DURATION)
push_requests = Count(catalogue.PUSH_REQUESTS)
polls = Count(catalogue.POLLS)
poll_lateness = Distribution(catalogue.POLL_LATENESS)
detection_delay = Distribution(catalogue.DETECTION_DELAY)
watches_settled = Count(catalogue.WATCHES_SETTLED)
delivery_attempts = Count(catalogue.ATTEMPTS)
deliveries_abandoned = Count(catalogue.ABANDONED, known=[(kind,) for kind in KINDS])
delivery_delay = Distribution(catalogue.DELIVERY_DELAY)
shift_round = Distribution(catalogue.SHIFT_ROUND)

API = (redis_errors, notices, requests, request_duration, push_requests)
WORKER = (
    redis_errors,
    notices,
    polls,
    poll_lateness,
    detection_delay,
    watches_settled,
    delivery_attempts,
    deliveries_abandoned,
    delivery_delay,
    shift_round,
)


def build_info(process: str, version: str) -> Count:
    """Return the metric that names this process and its version."""
    info = Count(catalogue.BUILD_INFO)
    info.add(process, version)
    return info
