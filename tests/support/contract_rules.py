"""What Schemathesis is told beside the API's description: one more check, and how long to wait.

Schemathesis loads this module by its name (SCHEMATHESIS_HOOKS).
"""

from typing import Any

import schemathesis

SHORTEST_WAIT, LONGEST_WAIT = 1, 60
NOT_OF_THE_BODY = ("/docs#idempotency-key-reused",)


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Have nobody wait a minute for a watch that will not end."""
    wait = str((case.query or {}).get("wait", ""))
    if wait.isdecimal() and SHORTEST_WAIT < int(wait) <= LONGEST_WAIT:
        case.query["wait"] = SHORTEST_WAIT


@schemathesis.check
def what_fits_the_description_is_refused_by_a_named_rule_alone(_: Any, response: Any, case: Any) -> None:
    """What the models take may still be refused by a policy; then each error bears the policy's code."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    named = bool(problem.get("errors")) and all("code" in error for error in problem["errors"])
    assert named or problem["type"] in NOT_OF_THE_BODY, problem
