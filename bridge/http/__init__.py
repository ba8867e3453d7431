"""The HTTP client used for Rally and for destinations: kept connections, and limits on what a peer may send."""

from bridge.http.connections import Connections, Received, Target, Timeouts, Trust, check_proxy
from bridge.http.errors import Fault, NotReceived
from bridge.http.headers import combine_fields

__all__ = [
    "Connections",
    "Fault",
    "NotReceived",
    "Received",
    "Target",
    "Timeouts",
    "Trust",
    "check_proxy",
    "combine_fields",
]
