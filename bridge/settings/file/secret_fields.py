"""Secrets in the file, each in one of three forms: `x` itself, `x_file` with a path, `x_env` with a variable's name.

A list of secrets is an array as `x`; in a file or variable, it is a text as in the variables of the service.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bridge.settings.sources.env_file import EnvFile
from bridge.settings.sources.variables import read_secret_file

FORMS = ("", "_file", "_env")
LOST = "names a variable that could not be read"


@dataclass(frozen=True, slots=True)
class SecretField:
    """Marks a field of a model as a secret."""

    each: bool = False
    """Whether it is a table whose values are secrets."""
    listed: bool = False
    """Whether it is a list of secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a secret may refer to: the process' variables, and files relative to the configuration file."""

    variables: EnvFile
    folder: Path


@dataclass(slots=True)
class Resolved:
    """A table with its secrets in place; `names` are the keys that they were given by, `problems` by key."""

    values: dict[str, Any] = field(repr=False)
    names: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def given(self, key: str) -> str:
        """Return the key that the file has for a field: `x`, `x_file` or `x_env`."""
        return self.names.get(key, key)


def secret_fields(model: type[BaseModel]) -> Iterator[tuple[str, SecretField]]:
    """Yield the fields of a model that are marked as secrets."""
    for name, info in model.model_fields.items():
        if marks := [each for each in info.metadata if isinstance(each, SecretField)]:
            yield name, marks[0]


def forms_of_secrets(model: type[BaseModel]) -> Iterator[str]:
    """Yield every key by which a table may have one of the model's secrets."""
    for name, _ in secret_fields(model):
        yield from (f"{name}{form}" for form in FORMS)


def resolve_secrets(table: Mapping[str, Any], model: type[BaseModel], around: Surroundings) -> Resolved:
    """Replace `x_file` and `x_env` of each secret field by `x`."""
    resolved = Resolved(dict(table))
    for name, mark in secret_fields(model):
        if not mark.each:
            required = model.model_fields[name].is_required()
            _resolve(resolved, name, required=required, listed=mark.listed, around=around)
        elif isinstance(group := table.get(name), dict):
            _resolve_each(resolved, name, group, around)
    return resolved


def _resolve_each(resolved: Resolved, name: str, group: Mapping[str, Any], around: Surroundings) -> None:
    inner = Resolved(dict(group))
    for key in dict.fromkeys(map(_base, group)):
        _resolve(inner, key, required=True, around=around)
    resolved.values[name] = inner.values
    resolved.names |= {f"{name}.{key}": f"{name}.{given}" for key, given in inner.names.items()}
    resolved.problems |= {f"{name}.{key}": text for key, text in inner.problems.items()}


def _base(key: str) -> str:
    return next((key.removesuffix(form) for form in FORMS[1:] if key.endswith(form)), key)


def _resolve(resolved: Resolved, name: str, *, required: bool, around: Surroundings, listed: bool = False) -> None:
    forms = [f"{name}{form}" for form in FORMS]
    given = [form for form in forms if form in resolved.values]
    values = [resolved.values.pop(form) for form in given]
    if len(given) > 1:
        resolved.names[name] = given[0]
        resolved.problems[name] = f"give only one of {', '.join(given)}"
    elif not given and required:
        resolved.problems[name] = f"is required; or give {forms[1]} or {forms[2]}"
    elif given:
        resolved.names[name] = given[0]
        form = given[0].removeprefix(name)
        text, reason = _read_list(values[0]) if listed and not form else _read(form, values[0], around)
        if reason:
            resolved.problems[name] = reason
        else:
            resolved.values[name] = text


def _read_list(value: Any) -> tuple[list[str], str | None]:
    if not isinstance(value, list) or not all(isinstance(element, str) for element in value):
        return [], "must be a list of strings"
    return value, None


def _read(form: str, value: Any, around: Surroundings) -> tuple[str, str | None]:
    """Return the secret, or why it can't be used; the value is not repeated, it may be the secret in a wrong place."""
    if not isinstance(value, str):
        return "", "must be a string"
    if form == "_file":
        found, reason = read_secret_file(str(around.folder / value))
        return ("", reason) if found is None else (found.text, None)
    if form == "_env":
        variable = around.variables.values.get(value)
        if variable is None:
            return "", LOST if around.variables.may_have_lost(value) else "names a variable that is not set"
        return variable.text.strip(), None
    return value, None


def referred_variables(tables: Any) -> Iterator[str]:
    """Yield the names of variables that the secrets of a document refer to."""
    if isinstance(tables, dict):
        for key, value in tables.items():
            if key.endswith("_env") and isinstance(value, str):
                yield value
            yield from referred_variables(value)
    elif isinstance(tables, list):
        for each in tables:
            yield from referred_variables(each)
