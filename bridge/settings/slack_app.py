"""The settings of the Slack app, which only work together: the signing secret, the bot's token, and one client."""

import re
from collections.abc import Iterator

from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.settings.model import Settings
from bridge.settings.problems import Problem

_APP = re.compile(r"clients\.[^.]+\.slack")
RECORDS_USERS = "slack.records_users"
"""The setting in the configuration file that may take the place of SLACK_RECORDS_USERS."""


def slack_problems(settings: Settings, absent: frozenset[str]) -> Iterator[Problem]:
    """Yield what is missing or contradicts; `absent` are the fields that can't be read."""
    clients = [client for client in settings.clients if client.slack is not None]
    has_app = bool(clients) or any(map(_APP.fullmatch, settings.origins))  # also one that is not valid
    if not has_app and "slack_signing_secret" not in absent and settings.slack_signing_secret:
        text = 'needs the client whose requests it signs: [clients.NAME] with slack = {team = "T…", app = "A…"}'
        yield settings.problem("SLACK_SIGNING_SECRET", text)
    yield from _records_problems(settings, absent, has_app=has_app)
    for client in clients[:1]:
        key = f"clients.{client.name}.slack"
        if "slack_signing_secret" not in absent and not settings.slack_signing_secret:
            yield settings.problem(key, "needs the secret of the app: set SLACK_SIGNING_SECRET")
        if "slack_bot_token" not in absent and settings.slack_bot_token is None:
            yield settings.problem(key, "needs a Slack bot: set SLACK_BOT_TOKEN")
        workspaces = client.permissions.workspaces
        if workspaces is not None and DEFAULT_WORKSPACE not in workspaces and len(workspaces) != 1:
            text = f"must contain {DEFAULT_WORKSPACE!r} or one workspace: commands in Slack name none"
            yield settings.problem(f"clients.{client.name}.workspaces", text)
    for client in clients[1:]:
        text = f"only one client can be a Slack workspace, and {clients[0].name!r} is"
        yield settings.problem(f"clients.{client.name}.slack", text)


def _records_problems(settings: Settings, absent: frozenset[str], *, has_app: bool) -> Iterator[Problem]:
    """Yield what is wrong with the users who may read failed records: they are set twice, or there is no app."""
    in_file = settings.origin(RECORDS_USERS) is not None
    if in_file and "slack_records_users" not in absent and settings.slack_records_users:
        yield settings.problem(RECORDS_USERS, "SLACK_RECORDS_USERS is set as well; set only one of the two")
    if settings.records_users and not has_app:
        text = 'needs the Slack app: [clients.NAME] with slack = {team = "T…", app = "A…"}'
        yield settings.problem(RECORDS_USERS if in_file else "SLACK_RECORDS_USERS", text)
