"""Whose Slack it is: the workspace, the app that is installed in it, and what both share with the bridge."""

from dataclasses import dataclass, field

TEAM, APP = "T0SANDBOX", "A0SANDBOX"
BOT_USER = "U0RALLYAPP"
APP_NAME = "Rally imports"
COMMAND = "/rally"
TEAM_NAME = "Sandbox"
TEAM_DOMAIN = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The ids of the workspace and the app, the token of its bot, and the secret that signs requests to the bridge."""

    team: str = TEAM
    app: str = APP
    token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
