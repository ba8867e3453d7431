"""Loading: all sources are read, then merged and validated at once, so that every problem is reported together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ConfigDict, ValidationError

from bridge.errors import SettingsError
from bridge.pydantic_findings import findings, sentence
from bridge.settings.file.contents import Contents
from bridge.settings.file.document import Document, read_document
from bridge.settings.file.secret_fields import referred_variables
from bridge.settings.merging import merged
from bridge.settings.model import SECRETS, Settings, Variables
from bridge.settings.problems import Problem, problem, why_unreadable
from bridge.settings.sources.env_file import EnvFile
from bridge.settings.sources.given import Given
from bridge.settings.sources.replaced import LINES, replaced
from bridge.settings.sources.unknown_variables import misspelt, unknown_names
from bridge.settings.sources.variables import own_values, read_variables

NAMES = tuple(field.upper() for field in Variables.model_fields)
SECRET_NAMES = frozenset(field.upper() for field in SECRETS)
KNOWN_NAMES = frozenset({*NAMES, *(f"{name}_FILE" for name in SECRET_NAMES)})
_OLD_NAMES = frozenset({*LINES, *(f"{name}_FILE" for name in LINES)})
_SENTENCES: Mapping[str, str] = {
    "bool_parsing": "must be true or false",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_parsing": "must be a whole number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "too_short": "must hold at least one",
}
"""The sentence for each type of pydantic's findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The settings as far as they are valid; `invalid` are the fields that must not be read from them."""

    settings: Settings
    invalid: frozenset[str]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


class _CheckedOnAssignment(Variables):
    """The environment's variables, one after the other: pydantic validates each when it is assigned.

    So an invalid variable does not prevent that the others are read.
    """

    model_config = ConfigDict(frozen=False, validate_assignment=True)


def load_settings(environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Settings:
    """Return the settings of the environment, of `.env`, and of the file that BRIDGE_CONFIG_FILE names.

    Raises SettingsError with every problem; its text has no secrets.
    """
    draft = draft_settings(environ, env_file)
    if draft.problems:
        raise SettingsError(draft.problems)
    return draft.settings


def draft_settings(environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Draft:
    """Read and validate all sources; the environment takes precedence over `.env`."""
    found = read_variables(os.environ if environ is None else environ, env_file)
    given = found.values
    values, misread, failed = own_values(given, NAMES, SECRET_NAMES)
    variables, invalid, badly_set = _assign(values)
    document, contents = _read_file(variables.bridge_config_file, found)
    referred = frozenset(referred_variables(document.tables)) if document else frozenset[str]()
    origins = {name: each.place for name, each in values.items()}
    result = merged(
        variables,
        contents,
        document,
        origins=origins,
        invalid=invalid | {name.lower() for name in failed | (found.unread - given.keys())},
        empty=found.empty,
        whole=found.whole,
    )
    others = {name: each for name, each in given.items() if name not in _OLD_NAMES}
    misspellings = dict(misspelt(others, KNOWN_NAMES, referred))
    return Draft(
        settings=result.settings,
        invalid=result.invalid,
        problems=(
            *found.problems,
            *replaced(given),
            *misspellings.values(),
            *misread,
            *badly_set,
            *contents.problems,
            *result.problems,
        ),
        warnings=tuple(
            problem(given[name].place, name, "is not a setting")
            for name in unknown_names(others, KNOWN_NAMES, referred)
            if name not in misspellings
        ),
    )


def _assign(values: Mapping[str, Given]) -> tuple[Variables, frozenset[str], list[Problem]]:
    """Parse each variable. Return the valid ones, the names of the invalid ones as fields, and the problems."""
    variables = _CheckedOnAssignment.model_construct()
    problems: dict[str, Problem] = {}
    for name, given in values.items():
        try:
            setattr(variables, name.lower(), given.text)
        except ValidationError as error:
            (finding, *_) = findings(error)
            problems[name.lower()] = problem(given.place, name, sentence(finding, _SENTENCES))
    return variables, frozenset(problems), list(problems.values())


def _read_file(path: str | None, variables: EnvFile) -> tuple[Document | None, Contents]:
    """Return no document if the file can't be read, and an empty one if none is named."""
    if path is None:
        return Document(), Contents()
    try:
        document, problems = read_document(path)
    except OSError as error:
        reason = f"{path!r} can't be read ({why_unreadable(error)})"
        document, problems = None, [problem(variables.values["BRIDGE_CONFIG_FILE"].place, "BRIDGE_CONFIG_FILE", reason)]
    if document is None:
        return None, Contents(problems=problems)
    from bridge.settings.file.reader import read_contents  # noqa: PLC0415 - its models take 1 MB of memory

    return document, read_contents(document, variables)
