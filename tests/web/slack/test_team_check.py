"""At the start, Slack is asked whose token it is: another workspace's is refused, and Slack may be away."""

import pytest
from structlog.testing import capture_logs

from bridge.errors import SettingsError
from bridge.web.slack.team_check import check_team
from tests.support.slack_requests import SIGNING_SECRET, SLACK_CLIENT, SlackStandIn
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio


async def test_the_token_of_another_workspace_is_refused(world: World, slack: SlackStandIn) -> None:
    slack.answers["auth.test"] = {"ok": True, "team_id": "T999"}
    with pytest.raises(SettingsError, match=r"bridge\.toml:2: clients\.slack\.slack: .*another Slack workspace: T999"):
        await check_team(world.resources)


async def test_the_token_of_the_workspace_is_accepted(world: World, slack: SlackStandIn) -> None:
    with capture_logs() as logs:
        await check_team(world.resources)
    assert [name for name, _ in slack.calls] == ["auth.test"]
    assert logs == []


@pytest.mark.parametrize("answer", [503, {"ok": False, "error": "invalid_auth"}, ["?"], {"ok": True, "team_id": 1}])
async def test_without_an_answer_the_start_goes_on(world: World, slack: SlackStandIn, answer: object) -> None:
    slack.answers["auth.test"] = answer
    with capture_logs() as logs:
        await check_team(world.resources)
    assert [each["event"] for each in logs] == ["slack.team_unknown"]


async def test_without_a_slack_app_slack_is_not_asked(redis_url: str, sandbox_url: str, slack: SlackStandIn) -> None:
    async with opened(redis_url, sandbox_url, SLACK_API_URL=f"{slack.url}/api") as world:
        await check_team(world.resources)
    assert slack.calls == []


async def test_a_sandbox_is_not_asked(redis_url: str, sandbox_url: str) -> None:
    changes = {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "EGRESS_SANDBOX": sandbox_url}
    other_team = SLACK_CLIENT.replace("T000", "T123")
    async with opened(redis_url, sandbox_url, other_team, **changes) as world:
        await check_team(world.resources)
