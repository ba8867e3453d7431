"""The configuration file of a new sandbox: one rule, for imports without a watch, and the Slack app."""

from bridge.cli.up.data_dir import DataDir, write_private
from bridge.cli.up.environment import CONFIG_FILE, UserSettings

TEXT = """\
# Written by `rally-bridge up --sandbox`, as there was no configuration file. Change it, and restart `up`.
# The guides configuration.md and push.md say what can be in it. An empty file is allowed.

# The Slack workspace of the sandbox: what its people do in Slack is done as this client.
[clients.slack]
slack = {team = "T0SANDBOX", app = "A0SANDBOX"}

# Alice may read failed records in Slack; Ben may not.
[slack]
records_users = ["U0ALICE"]

[destinations.research-ops]
type = "slack"
channel = "C0RESEARCHOPS"

# When Rally pushes the end of a CSV import, this channel is told. No tool needs to watch the import.
[[rules]]
name = "csv-uploads"
types = ["CSV"]
outcomes = "always"
notify = ["research-ops"]
"""


def write_first_rule(data: DataDir, user: UserSettings) -> UserSettings:
    """Write the file unless the user has one; return the settings with it."""
    if user.has("BRIDGE_CONFIG_FILE") or user.config_file or user.unreadable:
        return user
    write_private(data.path / CONFIG_FILE, TEXT)
    return UserSettings.read(data.path)
