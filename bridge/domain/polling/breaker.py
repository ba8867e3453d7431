"""When the circuit breaker of a workspace opens, and how long the workspace then pauses after each fault.

While it is open, `budget.grant` allows a single probe after each pause. `budget_updates` closes it after a usable
answer of Rally.

Connection faults are counted over all imports. The breaker opens after several in a row, and only if several imports
are affected, because a single failing import must not stop the others.
"""

from dataclasses import replace

from bridge.domain.imports import Reply, Unanswered
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.poll_intervals import LONGEST_RETRY, outage_pause

BREAKER_FAULTS = 5
"""The number of connection faults, without an answer in between, that opens the breaker."""
BREAKER_IMPORTS = 3
"""The number of imports that these faults must affect; all imports if there are fewer."""


def after_fault(budget: Budget, reply: Reply, fault: Unanswered, *, open_imports: int, jitter: float) -> Budget:
    """Return the workspace's budget after a connection fault. The fault may open the breaker, or keep it open."""
    if reply.at < budget.paused_until:
        return budget  # requests in flight together count once, or one outage would look like many
    failing_since = budget.failing_since or reply.at
    failing_imports = budget.failing_imports
    if reply.import_id not in failing_imports and len(failing_imports) < BREAKER_IMPORTS:
        failing_imports = (*failing_imports, reply.import_id)
    failing = replace(budget, faults=budget.faults + 1, failing_since=failing_since, failing_imports=failing_imports)
    opens = failing.faults >= BREAKER_FAULTS and len(failing_imports) >= min(BREAKER_IMPORTS, open_imports)
    if not (budget.breaker_open or opens):
        return failing
    asked_for = min(fault.wait or 0, LONGEST_RETRY)
    pause = max(outage_pause(reply.at - failing_since, jitter=jitter), asked_for)
    return replace(
        failing, breaker_open_since=budget.breaker_open_since or reply.at, ends_at=0, not_before=reply.at + pause
    )
