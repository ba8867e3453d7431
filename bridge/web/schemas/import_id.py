"""The id of an import in requests: opaque, but without invisible characters."""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

MAX_IMPORT_ID_LENGTH = 200
DESCRIBED = r"^\S([^\x00-\x1f\x7f]*\S)?$"
"""The pattern in the description: the greater part of the rule, in a form that people can read."""
_INVISIBLE = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Control characters, and those that Unicode calls default ignorable: zero-width spaces, fillers and such.

Source: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
"""
_VALID = re.compile(rf"[^\s{_INVISIBLE}]([^{_INVISIBLE}]*[^\s{_INVISIBLE}])?")


def _valid(import_id: str) -> str:
    if import_id in {".", ".."}:
        raise PydanticCustomError(
            "policy_invalid_import_id",
            "An import id can't be `.` or `..`, because a URL can't contain them as a segment",
        )
    if not _VALID.fullmatch(import_id):
        raise PydanticCustomError(
            "policy_invalid_import_id",
            "Must be the import's id as Rally shows it: not blank, no space at its beginning or end, and no invisible "
            "characters such as line breaks and zero-width spaces",
        )
    return import_id


ImportId: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_IMPORT_ID_LENGTH),
    AfterValidator(_valid),
    Field(json_schema_extra={"pattern": DESCRIBED}),
]
