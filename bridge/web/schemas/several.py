"""One error for several places in a value: pydantic lets a validator raise only one."""

from collections.abc import Sequence

from pydantic_core import ErrorDetails, PydanticCustomError

from bridge.errors import Problem

_TYPE = "several"


def several(problems: Sequence[Problem]) -> PydanticCustomError:
    """Return an error that stands for all these problems; their pointers begin at the validated value."""
    return PydanticCustomError(_TYPE, "There are several problems", {"problems": tuple(problems)})


def problems_within(finding: ErrorDetails) -> Sequence[Problem]:
    """Return the problems that a finding stands for; none unless `several` made it."""
    problems: Sequence[Problem] = finding["ctx"]["problems"] if finding["type"] == _TYPE else ()
    return problems
