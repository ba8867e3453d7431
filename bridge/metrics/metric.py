"""A metric: what the list says of each."""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "rally_bridge_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """The types of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Source(StrEnum):
    """Where the value of a metric comes from."""

    API = "api"
    """What a process of the API has counted."""
    WORKER = "worker"
    """What a worker has counted."""
    PROCESS = "process"
    """What any process has counted."""
    STORE = "store"
    """What Redis holds: each process of the API returns the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """The definition of a metric; `short` is its name without the prefix and without the `_total` of a counter."""

    short: str
    kind: Kind
    source: Source
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """The upper bounds of a histogram's buckets, without the infinite one."""

    @property
    def family(self) -> str:
        return f"{PREFIX}{self.short}"

    @property
    def name(self) -> str:
        """The name that queries use; a histogram's series append `_bucket`, `_sum` and `_count`."""
        return f"{self.family}_total" if self.kind is Kind.COUNTER else self.family
