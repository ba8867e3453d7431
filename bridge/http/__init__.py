"""HTTP as a client, for Rally and for destinations alike: kept connections, and limits on what a peer may send.

Nothing here knows who is asked or what an answer means.
"""

from bridge.http.connections import Connections, Received, Target, Timeouts, Trust
from bridge.http.errors import Fault, NotReceived
from bridge.http.headers import combine_fields

__all__ = ["Connections", "Fault", "NotReceived", "Received", "Target", "Timeouts", "Trust", "combine_fields"]
