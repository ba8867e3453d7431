"""The contents of the configuration file: every valid table, and every problem."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.settings.problems import Problem

if TYPE_CHECKING:  # a process without a file needs none of these models, which take 1 MB of memory
    from bridge.settings.file.rule_tables import RuleTable
    from bridge.settings.file.tables import ClientTable, DestinationTable, WorkspaceTable

INVALID = "-"
"""The name in place of an inline destination that is not valid."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The tables by name, without what is invalid in them, and all problems."""

    workspaces: Mapping[str, "WorkspaceTable"] = field(default_factory=dict)
    destinations: Mapping[str, "DestinationTable"] = field(default_factory=dict)
    clients: Mapping[str, "ClientTable"] = field(default_factory=dict)
    records_users: Sequence[str] = ()
    rules: Sequence["RuleTable"] = ()
    problems: Sequence[Problem] = ()
