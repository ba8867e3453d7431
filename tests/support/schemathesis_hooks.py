"""What Schemathesis needs beside the API's description: one more check, and shorter waits.

Schemathesis loads this module by its name (SCHEMATHESIS_HOOKS).
"""

from typing import Any

import schemathesis

from bridge.web.schemas.problem_document import RULE_CODES

SHORTEST_WAIT, LONGEST_WAIT = 1, 60
NOT_OF_THE_BODY = ("/docs#idempotency-key-reused",)


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Shorten long polls of watches that don't end."""
    wait = str((case.query or {}).get("wait", ""))
    if wait.isdecimal() and SHORTEST_WAIT < int(wait) <= LONGEST_WAIT:
        case.query["wait"] = SHORTEST_WAIT


@schemathesis.check
def what_fits_the_description_is_refused_by_a_named_rule_alone(_: Any, response: Any, case: Any) -> None:
    """A valid body may still be refused by a policy; then each error has the policy's code."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    named = bool(problem.get("errors")) and all(error["code"] in RULE_CODES for error in problem["errors"])
    assert named or problem["type"] in NOT_OF_THE_BODY, problem
