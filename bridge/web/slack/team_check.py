"""The check at the start that the bot's token is of the Slack workspace which the configuration names."""

import asyncio

import structlog

from bridge.destinations.slack.bot import prepare_check
from bridge.destinations.slack.bot_verdicts import document_of
from bridge.domain.delivery.destination_requests import NoResponse
from bridge.errors import SettingsError
from bridge.resources import Resources

PATIENCE = 5.0
"""Seconds that a start waits for Slack."""

log = structlog.get_logger()


async def check_team(resources: Resources) -> None:
    """Raise SettingsError if Slack says that the token is of another workspace. Slack may be away: that is logged.

    In place of Slack, a sandbox would answer for a workspace of its own, so it is not asked.
    """
    client, bot = resources.settings.slack_client, resources.sender.slack_bot
    if client is None or client.slack is None or bot is None or resources.settings.egress_sandbox is not None:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await resources.egress.send(prepare_check(bot))
    except TimeoutError:
        log.warning("slack.team_unknown", reason="no answer in time")
        return
    document = {} if isinstance(answer, NoResponse) else document_of(answer)
    team = document.get("team_id")
    if document.get("ok") is not True or not isinstance(team, str):
        log.warning("slack.team_unknown", reason="Slack did not say whose token it is")
    elif team != client.slack.team:
        text = f"SLACK_BOT_TOKEN is of another Slack workspace: {team if team.isalnum() else '?'}"
        raise SettingsError([resources.settings.problem(f"clients.{client.name}.slack", text)])
