"""pydantic's findings as sentences, without the input, which may be a secret in the wrong place."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def findings(error: ValidationError) -> list[ErrorDetails]:
    """Return what pydantic found, without the input and without links to its documentation."""
    return error.errors(include_input=False, include_url=False)


def sentence(finding: ErrorDetails, sentences: Mapping[str, str]) -> str:
    """Return the sentence for a finding, or pydantic's own message if there is none.

    `sentences` are keyed by the type of a finding, or by the regular expression that a string does not match; they may
    name values of the finding's context, such as `{ge}`.
    """
    context: Mapping[str, Any] = finding.get("ctx", {})
    text = sentences.get(str(context.get("pattern"))) or sentences.get(finding["type"])
    return finding["msg"].removeprefix("Value error, ") if text is None else text.format(**context)
