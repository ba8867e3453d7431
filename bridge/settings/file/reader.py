"""Reading the configuration file: every table is validated, and every problem has its line and key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.domain.notices.notices import OPERATOR
from bridge.pydantic_findings import findings, sentence
from bridge.settings.api_keys import RESERVED
from bridge.settings.file.config_file import ConfigFile
from bridge.settings.file.contents import INVALID, Contents
from bridge.settings.file.document import Document
from bridge.settings.file.rule_tables import RULE_SENTENCES, RuleTable
from bridge.settings.file.secret_fields import LOST, Resolved, Surroundings, forms_of_secrets, resolve_secrets
from bridge.settings.file.tables import (
    DESTINATION_TABLES,
    SENTENCES,
    ClientTable,
    DestinationTable,
    SlackAppTable,
    WorkspaceTable,
)
from bridge.settings.parsers import NAME, NAME_IN_WORDS
from bridge.settings.problems import Problem, problem, shown_key
from bridge.settings.sources.env_file import EnvFile
from bridge.settings.sources.spelling import nearest

TableT = TypeVar("TableT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Where:
    """A table: the path to it in the document, and how problems name it."""

    path: tuple[str | int, ...]
    name: str

    def inner(self, *path: str | int, name: str) -> "_Where":
        return _Where((*self.path, *path), f"{self.name}.{name}")


def read_contents(document: Document, variables: EnvFile) -> Contents:
    """Validate every table of a document; keys such as `key_env` name one of the `variables`."""
    reader = _Reader(document, Surroundings(variables=variables, folder=document.folder))
    return Contents(
        workspaces=dict(reader.read("workspaces", lambda *_: WorkspaceTable)),
        destinations=dict(reader.read("destinations", reader.destination_table)),
        clients=dict(reader.read("clients", reader.client_table)),
        records_users=tuple(reader.read_slack().records_users),
        rules=list(reader.read_rules()),
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
            where = _Where((section, name), f"{section}.{name}")
            valid = None if model is None else self._validated(where, table, model)
            if valid is not None:
                yield name, valid

    def read_slack(self) -> SlackAppTable:
        """Return the table `[slack]`, without what is invalid in it, which is noted."""
        table = self.document.tables.get("slack", {})
        if isinstance(table, dict):
            return self._validated(_Where(("slack",), "slack"), table, SlackAppTable) or SlackAppTable()
        self._note(("slack",), "must be a table: [slack]")
        return SlackAppTable()

    def read_rules(self) -> Iterator[RuleTable]:
        """Yield the valid tables of `[[rules]]`, in the order of the file; note what is invalid in them."""
        tables = self.document.tables.get("rules", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._note(("rules",), "must be tables: [[rules]]")
            return
        names = set[str]()
        for number, table in enumerate(tables):
            where = _Where(("rules", number), self.document.dotted("rules", number))
            name = table.get("name")
            if isinstance(name, str) and name in names:
                self._note((*where.path, "name"), "another rule has this name", named=f"{where.name}.name")
            if isinstance(name, str):
                names.add(name)
            valid = self._validated(where, self._with_destinations(where, table), RuleTable)
            if valid is not None:
                yield valid

    def _with_destinations(self, where: _Where, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a rule's table with its inline destinations validated, and a name in place of an invalid one."""
        entries = table.get("notify")
        if not isinstance(entries, list):
            return table
        notify = list(entries)
        for number, entry in enumerate(entries):
            if isinstance(entry, dict):
                inner = where.inner("notify", number, name=f"notify.{number + 1}")
                model = self._model_of_destination(inner, entry)
                notify[number] = (model and self._validated(inner, entry, model)) or INVALID
        return {**table, "notify": notify}

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
        return self._model_of_destination(_Where(("destinations", name), f"destinations.{name}"), table)

    def _model_of_destination(self, where: _Where, table: Mapping[str, Any]) -> type[DestinationTable] | None:
        kind = table.get("type")
        if isinstance(kind, str) and kind in DESTINATION_TABLES:
            return DESTINATION_TABLES[kind]
        choices = ", ".join(f'"{each}"' for each in DESTINATION_TABLES)
        fault = "is required" if kind is None else "is not known"
        self._note((*where.path, "type"), f"{fault}; it is one of {choices}", named=f"{where.name}.type")
        return None

    def client_table(self, name: str, _: Mapping[str, Any]) -> type[ClientTable]:
        if name == OPERATOR:
            self._note(("clients", name), RESERVED)
        return ClientTable

    def _validated(self, where: _Where, table: Mapping[str, Any], model: type[TableT]) -> TableT | None:
        """Return a table without its invalid keys, so that the values of the others are still checked.

        Return None if a required key is missing or invalid.
        """
        resolved = resolve_secrets(table, model, self.around)
        for key, text in resolved.problems.items():
            if text == LOST:
                continue  # the problem of `.env` says it
            self._note_key(where, model, resolved.given(key).split(".", 1), text)
        try:
            return model.model_validate(resolved.values)
        except ValidationError as error:
            found = findings(error)
        self._note_findings(found, where, model, resolved)
        wrong = {finding["loc"][0] for finding in found if finding["loc"]}
        with suppress(ValidationError):
            return model.model_validate({key: value for key, value in resolved.values.items() if key not in wrong})
        return None

    def _note_findings(
        self, found: Sequence[ErrorDetails], where: _Where, model: type[BaseModel], resolved: Resolved
    ) -> None:
        """Note the findings, except for secrets that could not be read."""
        for finding in found:
            key, *rest = map(str, finding["loc"] or ("",))
            if ".".join((key, *rest)) in resolved.problems:
                continue
            unknown = finding["type"] == "extra_forbidden"
            text = _unknown(key, model) if unknown else sentence(finding, SENTENCES | RULE_SENTENCES)
            if rest and rest[-1].isdecimal():
                text = f"entry {int(rest.pop()) + 1} {text}"
            self._note_key(where, model, resolved.given(".".join((key, *rest))).split(".", 1), text)

    def _note_key(self, where: _Where, model: type[BaseModel], key: Sequence[str], text: str) -> None:
        """Note a problem of a key; without a key, of the table."""
        place = self.document.place(*where.path, *key)
        self.problems.append(problem(place, f"{where.name}.{_shown(key, model)}".removesuffix("."), text))

    def _note(self, path: tuple[str | int, ...], text: str, *, named: str | None = None) -> None:
        self.problems.append(problem(self.document.place(*path), named or ".".join(map(str, path)), text))


def _shown(given: Sequence[str], model: type[BaseModel]) -> str:
    """Return a dotted key of a table; its first word is shown in full if it is one of ours."""
    known = {*model.model_fields, *forms_of_secrets(model)}
    return ".".join([given[0] if given[0] in known else shown_key(given[0]), *map(shown_key, given[1:])])


def _unknown(key: str, model: type[BaseModel]) -> str:
    meant = nearest(key, {*model.model_fields, *forms_of_secrets(model)})
    return "is not known" + (f"; did you mean {meant}?" if meant else "")
