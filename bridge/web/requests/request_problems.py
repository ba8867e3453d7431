"""pydantic's findings about a body or query as problems in plain English, each with a stable code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bridge.web.refusals import Problem
from bridge.web.requests.json_pointer import escape
from bridge.web.schemas.combined_problems import problems_within
from bridge.web.schemas.destinations import DESTINATIONS
from bridge.web.schemas.problem_document import MAX_ERRORS

CODES: Mapping[str, str] = {
    "missing": "missing",
    "union_tag_not_found": "missing",
    "extra_forbidden": "unknown_field",
    "string_type": "wrong_type",
    "int_type": "wrong_type",
    "int_parsing": "wrong_type",
    "bool_type": "wrong_type",
    "list_type": "wrong_type",
    "dict_type": "wrong_type",
    "model_type": "wrong_type",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "int_parsing_size": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "not_a_choice",
    "enum": "not_a_choice",
    "union_tag_invalid": "not_a_choice",
    "string_pattern_mismatch": "wrong_format",
}
"""The code that the API reports for each of pydantic's types of errors; our own types are read by `code_of`."""
_TYPES = " or ".join((", ".join(f"'{each}'" for each in list(DESTINATIONS)[:-1]), f"'{list(DESTINATIONS)[-1]}'"))
_SENTENCES: Mapping[str, str] = {
    "missing": "This field is required",
    "union_tag_not_found": f"This field is required: {_TYPES}",
    "union_tag_invalid": f"Must be {_TYPES}",
    "extra_forbidden": "There is no such {noun}",
    "string_type": "Must be a string",
    "int_type": "Must be a whole number",
    "int_parsing": "Must be a whole number",
    "bool_type": "Must be true or false",
    "list_type": "Must be a list",
    "dict_type": "Must be an object",
    "model_type": "Must be an object",
    "string_too_short": "Must not be empty",
    "too_short": "Must not be empty",
    "string_too_long": "Must have at most {max_length} characters",
    "too_long": "Must have at most {max_length} entries",
    "int_parsing_size": "Must be a smaller number",
    "greater_than_equal": "Must be at least {ge}",
    "less_than_equal": "Must be at most {le}",
    "literal_error": "Must be {expected}",
    "enum": "Must be {expected}",
    "string_pattern_mismatch": "Contains a character that is not allowed, or has the wrong format",
}
_FIELDS_LISTED = 10
"""The number of findings up to which the known fields are listed, so that the answer is smaller than the request."""


def problems_of(
    findings: Sequence[ErrorDetails], model: type[BaseModel], *, noun: Literal["field", "parameter"] = "field"
) -> list[Problem]:
    """Return the first findings of a model as problems: a JSON pointer, a sentence and a code."""
    listed = model if len(findings) <= _FIELDS_LISTED else None
    return [problem for finding in findings[:MAX_ERRORS] for problem in _problems_of(finding, listed, noun)]


def count_problems(findings: Sequence[ErrorDetails]) -> int:
    """Return the number of problems in findings of pydantic."""
    return sum(len(problems_within(finding)) or 1 for finding in findings)


def _problems_of(finding: ErrorDetails, model: type[BaseModel] | None, noun: str) -> Iterator[Problem]:
    kind, location = finding["type"], finding["loc"]
    pointer = _pointer(location)
    if inner := problems_within(finding):
        yield from (replace(each, pointer=pointer + each.pointer) for each in inner)
        return
    if kind.startswith("union_tag"):
        pointer += "/type"
    detail = _SENTENCES[kind].format(**finding.get("ctx", {}), noun=noun) if kind in _SENTENCES else finding["msg"]
    if kind == "extra_forbidden" and model is not None:
        detail += f"; the {noun}s are: {', '.join(_fields(model, location))}"
    yield Problem(pointer=pointer, detail=detail, code=code_of(kind))


def code_of(kind: str) -> str:
    """Return the code that the API reports for one of pydantic's types of errors, such as `missing`.

    The types that our own validators raise contain their code after a prefix: `policy_url_not_allowed`.
    """
    return CODES.get(kind) or kind.removeprefix("policy_").removeprefix("form_")


_INSERTED = {"notify": 2, "destination": 1, "metadata": 2}
"""For each field: the index in pydantic's location of the union member's name, or of `[key]`."""


def _pointer(location: Sequence[str | int]) -> str:
    """Return a JSON pointer such as `/notify/0/url`, without the parts that pydantic inserts for unions and keys."""
    inserted = _INSERTED.get(str(location[0]), len(location)) if location else 0
    if location[inserted + 1 : inserted + 2] == ("on",):
        location = (*location[: inserted + 2], *location[inserted + 3 :])  # the form of `on`
    if isinstance(next(iter(location[inserted:]), None), str):
        location = (*location[:inserted], *location[inserted + 1 :])
    return "".join("/" + escape(str(part)) for part in location)


def _fields(model: type[BaseModel], location: Sequence[str | int]) -> Iterator[str]:
    """Yield the names of the known fields of the object that has an unknown one."""
    *_, place, _ = (None, *location)
    for name, field in DESTINATIONS.get(str(place), model).model_fields.items():
        yield field.alias or name
