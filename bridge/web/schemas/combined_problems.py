"""Several problems of one value as one error, since a validator of pydantic can raise only one."""

from collections.abc import Sequence

from pydantic_core import ErrorDetails, PydanticCustomError

from bridge.web.refusals import Problem

_TYPE = "combined"


def combined(problems: Sequence[Problem]) -> PydanticCustomError:
    """Return one error with all these problems; their pointers begin at the validated value."""
    return PydanticCustomError(_TYPE, "There are several problems", {"problems": tuple(problems)})


def problems_within(finding: ErrorDetails) -> Sequence[Problem]:
    """Return the problems that `combined` put into a finding."""
    problems: Sequence[Problem] = finding["ctx"]["problems"] if finding["type"] == _TYPE else ()
    return problems
