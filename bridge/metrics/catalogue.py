"""The list of all metrics. The API, the workers, the alerts and the dashboard are made from it.

Labels contain only names that the operator configured and values that the code defines: never an id, a URL or anything
else that a client or a peer can choose.

Conventions: https://prometheus.io/docs/practices/naming/
"""

from functools import partial

from bridge.metrics.metric import Kind, Metric, Source

_counter = partial(Metric, kind=Kind.COUNTER)
_gauge = partial(Metric, kind=Kind.GAUGE, source=Source.STORE)
_histogram = partial(Metric, kind=Kind.HISTOGRAM)

_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds that a call or a round of a shift may take."""
_WAITS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Seconds that an import may wait for its poll, or its end for being seen."""
_DELIVERED = (0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 36000.0, 259200.0)
"""Seconds until a message is accepted: the steps of the default DELIVERY_SCHEDULE and DELIVERY_MAX_AGE."""

# Processes
BUILD_INFO = Metric(
    short="build_info",
    kind=Kind.GAUGE,
    source=Source.PROCESS,
    help="Always 1; the labels say which process of which version this is",
    labels=("process", "version"),
)
REDIS_ERRORS = _counter(
    short="redis_errors",
    source=Source.PROCESS,
    help="Calls to Redis that failed for this process, by error: unavailable, full, refused, or replicas (too few)",
    labels=("error",),
)

NOTICES = _counter(
    short="operator_notices",
    source=Source.PROCESS,
    help="Notices to the operator that were delivered, and that failed for good",
    labels=("result",),
)

# The API
REQUESTS = _counter(
    short="requests",
    source=Source.API,
    help="Requests answered by this process",
    labels=("method", "route", "status"),
)
REQUEST_DURATION = _histogram(
    short="request_duration_seconds",
    source=Source.API,
    help="Seconds until a response began; requests that wait for a change are left out",
    labels=("method", "route"),
    buckets=_FAST,
)
PUSH_REQUESTS = _counter(
    short="push_requests",
    source=Source.API,
    help="Pushes of Rally answered by this process, refused ones too",
    labels=("workspace", "event", "result"),
)

# Workers
POLLS = _counter(
    short="polls",
    source=Source.WORKER,
    help="Polls by what Rally answered: read, absent, key_refused, over_limit, unusable, unanswered; or not_sent",
    labels=("workspace", "answer"),
)
POLL_LATENESS = _histogram(
    short="poll_lateness_seconds",
    source=Source.WORKER,
    help="Seconds from the time at which a poll was due until it was claimed",
    labels=("workspace",),
    buckets=_WAITS,
)
DETECTION_DELAY = _histogram(
    short="detection_delay_seconds",
    source=Source.WORKER,
    help="Seconds from the end of an import, by Rally's clock, until a poll saw it; only of imports seen running",
    labels=("workspace",),
    buckets=_WAITS,
)
WATCHES_SETTLED = _counter(
    short="watches_settled",
    source=Source.WORKER,
    help="Watches that ended, by outcome",
    labels=("workspace", "outcome"),
)
ATTEMPTS = _counter(
    short="delivery_attempts",
    source=Source.WORKER,
    help="Attempts to send a message, by verdict: accepted, deferred or rejected",
    labels=("kind", "verdict"),
)
ABANDONED = _counter(
    short="deliveries_abandoned",
    source=Source.WORKER,
    help="Messages that were given up",
    labels=("kind",),
)
DELIVERY_DELAY = _histogram(
    short="delivery_delay_seconds",
    source=Source.WORKER,
    help="Seconds from the end of a watch, or a redelivery's request, until its message was accepted",
    labels=("kind",),
    buckets=_DELIVERED,
)
SHIFT_ROUND = _histogram(
    short="shift_round_seconds",
    source=Source.WORKER,
    help="Seconds that one round of a shift spent on commits and claims; of the sweep, on all its steps",
    labels=("shift",),
    buckets=_FAST,
)

# Redis and the fleet
REDIS_UP = _gauge(short="redis_up", help="Whether Redis answers; without it, other metrics of this table are missing")
REDIS_WRITABLE = _gauge(short="redis_writable", help="Whether Redis accepts writes")
REDIS_MEMORY_USED = _gauge(short="redis_memory_used_bytes", help="Memory that the data of Redis takes")
REDIS_MEMORY_LIMIT = _gauge(short="redis_memory_limit_bytes", help="The maxmemory of Redis; 0 if it has none")
REDIS_EVICTED = _counter(
    short="redis_evicted_keys", source=Source.STORE, help="Keys that Redis deleted because its memory was full"
)
WORKERS_ALIVE = _gauge(short="workers_alive", help="Workers with a heartbeat in the last 20 seconds")

# What is stored
WATCHES_OPEN = _gauge(short="watches_open", help="Watches that have not ended")
IMPORTS_SETTLING = _gauge(short="imports_settling", help="Final imports whose watches are not settled yet")
LANES_OVERDUE = _gauge(short="lanes_overdue", help="Receivers with a delivery that is more than a minute late")
DELIVERIES = _gauge(short="deliveries", help="Stored deliveries", labels=("state",))
RULES_OVERDUE = _gauge(
    short="rules_overdue",
    help="Work for rules that is more than a minute late: push, held, digest (of batches as well) or summary",
    labels=("work",),
)
RULE_RESULTS = _counter(
    short="rule_results",
    source=Source.STORE,
    help="What became of the pushes that a rule covers, and of its watches",
    labels=("rule", "result"),
)

# Workspaces
IMPORTS_POLLED = _gauge(short="imports_polled", help="Imports that are being polled", labels=("workspace",))
IMPORTS_OVERDUE = _gauge(
    short="imports_overdue", help="Imports whose poll is more than a minute late", labels=("workspace",)
)
BUDGET_LIMIT = _gauge(
    short="budget_limit", help="Rally's rate limit in the current window; 0 if unknown", labels=("workspace",)
)
BUDGET_AVAILABLE = _gauge(short="budget_available", help="Requests left in the current window", labels=("workspace",))
BUDGET_SPENT = _gauge(short="budget_spent", help="Requests of the bridge in the current window", labels=("workspace",))
PAUSE_SECONDS = _gauge(
    short="pause_seconds",
    help="Seconds until polling resumes after a 429, a refused key, vanished imports or an outage of Rally",
    labels=("workspace",),
)
KEY_REFUSED = _gauge(short="key_refused", help="Whether Rally refuses the key", labels=("workspace",))
IMPORTS_VANISHED = _gauge(
    short="imports_vanished",
    help="Whether Rally no longer shows imports that it showed before",
    labels=("workspace",),
)
BREAKER_OPEN = _gauge(
    short="breaker_open", help="Whether Rally is down, so that only probes are sent", labels=("workspace",)
)

# Pushes
PUSH_AGE = _gauge(short="push_age_seconds", help="Seconds since the last push", labels=("workspace", "event"))
PUSH_MATCHES = _counter(
    short="push_matches",
    source=Source.STORE,
    help="Ends of imports with a push, of those that were polled before their end",
    labels=("workspace", "type"),
)
PUSH_MISSES = _counter(
    short="push_misses",
    source=Source.STORE,
    help="Ends of imports without a push, and pushes that failed here",
    labels=("workspace", "type"),
)
PUSH_GROWTH = _gauge(
    short="push_growth",
    help="The factor by which polls are rarer, as pushes are proven: 1, 2 or 4",
    labels=("workspace", "type"),
)
PUSH_SILENT = _gauge(
    short="push_silent",
    help="Whether Rally no longer pushes the ends of imports of a type that it pushed before",
    labels=("workspace", "type"),
)

METRICS = tuple(value for value in globals().values() if isinstance(value, Metric))
"""All metrics, in the order of this list."""
