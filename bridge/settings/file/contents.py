"""The contents of the configuration file: every valid table, and every problem with its line and key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridge.domain.notices import OPERATOR
from bridge.settings.api_keys import RESERVED
from bridge.settings.file.document import Document
from bridge.settings.file.secret_fields import Resolved, Surroundings, forms_of_secrets, resolve_secrets
from bridge.settings.file.tables import (
    DESTINATION_TABLES,
    SENTENCES,
    ClientTable,
    ConfigFile,
    DestinationTable,
    WorkspaceTable,
)
from bridge.settings.parsers import NAME, NAME_IN_WORDS
from bridge.settings.problems import Problem, problem, shown_key
from bridge.settings.sources.given import Given
from bridge.settings.sources.spelling import nearest
from bridge.validation_text import findings, sentence

TableT = TypeVar("TableT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Contents:
    """The tables by name, without what is invalid in them, and all problems."""

    workspaces: dict[str, WorkspaceTable] = field(default_factory=dict)
    destinations: dict[str, DestinationTable] = field(default_factory=dict)
    clients: dict[str, ClientTable] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_contents(document: Document, variables: Mapping[str, Given]) -> Contents:
    """Validate every table of a document; keys such as `key_env` name one of the `variables`."""
    reader = _Reader(document, Surroundings(variables=variables, folder=document.folder))
    return Contents(
        workspaces=dict(reader.read("workspaces", lambda *_: WorkspaceTable)),
        destinations=dict(reader.read("destinations", reader.destination_table)),
        clients=dict(reader.read("clients", reader.client_table)),
        problems=[*reader.unknown_sections(), *reader.problems],
    )


@dataclass(slots=True)
class _Reader:
    document: Document
    around: Surroundings
    problems: list[Problem] = field(default_factory=list)

    def unknown_sections(self) -> Iterator[Problem]:
        for section in self.document.tables.keys() - ConfigFile.model_fields.keys():
            yield problem(self.document.place(section), shown_key(section), _unknown(section, ConfigFile))

    def read(
        self, section: str, table_model: Callable[[str, Mapping[str, Any]], type[TableT] | None]
    ) -> Iterator[tuple[str, TableT]]:
        """Yield the tables of a section, and note what is invalid in them."""
        tables = self.document.tables.get(section, {})
        if not isinstance(tables, dict):
            self._note((section,), f"must be tables: [{section}.NAME]")
            return
        for name, table in tables.items():
            model = self._table_model(section, name, table, table_model)
            valid = None if model is None else self._validated((section, name), table, model)
            if valid is not None:
                yield name, valid

    def _table_model(
        self, section: str, name: str, table: Any, table_model: Callable[[str, Mapping[str, Any]], type[TableT] | None]
    ) -> type[TableT] | None:
        if not NAME.fullmatch(name):
            where = self.document.place(section, name)
            self.problems.append(problem(where, shown_key(section, name), f"must be {NAME_IN_WORDS}"))
        elif not isinstance(table, dict):
            self._note((section, name), f"must be a table: [{section}.NAME]")
        else:
            return table_model(name, table)
        return None

    def destination_table(self, name: str, table: Mapping[str, Any]) -> type[DestinationTable] | None:
        kind = table.get("type")
        if isinstance(kind, str) and kind in DESTINATION_TABLES:
            return DESTINATION_TABLES[kind]
        choices = ", ".join(f'"{each}"' for each in DESTINATION_TABLES)
        fault = "is required" if kind is None else "is not known"
        self._note(("destinations", name, "type"), f"{fault}; it is one of {choices}")
        return None

    def client_table(self, name: str, _: Mapping[str, Any]) -> type[ClientTable]:
        if name == OPERATOR:
            self._note(("clients", name), RESERVED)
        return ClientTable

    def _validated(self, path: tuple[str, str], table: Mapping[str, Any], model: type[TableT]) -> TableT | None:
        """Return a table without its invalid keys, so that the values of the others are still checked.

        Return None if a required key is missing or invalid.
        """
        resolved = resolve_secrets(table, model, self.around)
        for key, text in resolved.problems.items():
            given = resolved.given(key).split(".", 1)
            shown = f"{'.'.join(path)}.{_shown(given, model)}"
            self.problems.append(problem(self.document.place(*path, *given), shown, text))
        try:
            return model.model_validate(resolved.values)
        except ValidationError as error:
            self.problems += self._findings(error, path, model, resolved)
            wrong = {finding["loc"][0] for finding in findings(error)}
        with suppress(ValidationError):
            return model.model_validate({key: value for key, value in resolved.values.items() if key not in wrong})
        return None

    def _findings(
        self, error: ValidationError, path: tuple[str, str], model: type[BaseModel], resolved: Resolved
    ) -> Iterator[Problem]:
        """Yield the findings, except for secrets that could not be read."""
        for finding in findings(error):
            key, *rest = map(str, finding["loc"])
            if ".".join((key, *rest)) in resolved.problems:
                continue
            unknown = finding["type"] == "extra_forbidden"
            text = _unknown(key, model) if unknown else sentence(finding, SENTENCES)
            if rest and rest[0].isdecimal():
                text, rest = f"entry {int(rest[0]) + 1} {text}", []
            given = resolved.given(".".join((key, *rest))).split(".", 1)
            yield problem(self.document.place(*path, *given), f"{'.'.join(path)}.{_shown(given, model)}", text)

    def _note(self, path: tuple[str, ...], text: str) -> None:
        self.problems.append(problem(self.document.place(*path), ".".join(path), text))


def _shown(given: Sequence[str], model: type[BaseModel]) -> str:
    """Return a dotted key of a table; its first word is shown in full if it is one of ours."""
    known = {*model.model_fields, *forms_of_secrets(model)}
    return ".".join([given[0] if given[0] in known else shown_key(given[0]), *map(shown_key, given[1:])])


def _unknown(key: str, model: type[BaseModel]) -> str:
    meant = nearest(key, {*model.model_fields, *forms_of_secrets(model)})
    return "is not known" + (f"; did you mean {meant}?" if meant else "")
