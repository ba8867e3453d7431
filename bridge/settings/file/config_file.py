"""The configuration file as a whole: its sections."""

from typing import Annotated

from pydantic import ConfigDict, Field

from bridge.settings.file.rule_tables import RuleTable
from bridge.settings.file.tables import ClientTable, DestinationTable, Name, SlackAppTable, Table, WorkspaceTable


class ConfigFile(Table):
    """The configuration file of rally-bridge."""

    model_config = ConfigDict(title="bridge.toml")

    workspaces: dict[Name, WorkspaceTable] = {}
    destinations: dict[Name, Annotated[DestinationTable, Field(discriminator="type")]] = {}
    clients: dict[Name, ClientTable] = {}
    slack: SlackAppTable = SlackAppTable()
    rules: list[RuleTable] = []
