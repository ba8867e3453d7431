"""Ended imports with failed records, and clicks of people who want to read them."""

from typing import Any

from bridge.destinations.slack import buttons
from tests.support.samples import only
from tests.support.slack_requests import CHANNEL, SlackStandIn, click, modal_click, send_interaction
from tests.support.world import World

HERE = {"type": "slack", "channel": CHANNEL}


def people(count: int) -> list[dict[str, str]]:
    return [{"email": f"p{number}@example.com", "personId": f"id-{number}"} for number in range(count)]


async def ended(world: World, records: list[dict[str, str]], **wish: Any) -> str:
    """Return the id of a watch that has told the channel how its import ended."""
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failedRecords=records)
    watch = await world.watch(**{"notify": [HERE], **wish})
    await world.poll()
    await world.deliver()
    return str(watch["id"])


async def open_modal(world: World, slack: SlackStandIn, watch_id: str, **where: Any) -> None:
    """Click on the button of the message; the response shows nothing."""
    answer = await send_interaction(world.api, click(slack, buttons.FAILED_RECORDS, watch_id, **where))
    assert (answer.status_code, answer.content) == (200, b"")


async def click_in_modal(world: World, slack: SlackStandIn, action: str, **by: Any) -> None:
    """Click on a button of the modal as it is shown now."""
    view = shown(slack)
    value = next(
        each["value"]
        for block in view["blocks"]
        if block["type"] == "actions"
        for each in block["elements"]
        if each["action_id"] == action
    )
    answer = await send_interaction(world.api, modal_click(action, value, view, **by))
    assert (answer.status_code, answer.content) == (200, b"")


def shown(slack: SlackStandIn) -> dict[str, Any]:
    """Return the modal as it was shown last."""
    calls = [body for method, body in slack.calls if method in {"views.open", "views.update"}]
    view: dict[str, Any] = calls[-1]["view"]
    return view


def said(slack: SlackStandIn) -> str:
    """Return the one text that was said through a response_url."""
    answer = only(slack.of("commands"))
    assert (answer["response_type"], answer["replace_original"]) == ("ephemeral", False)
    return str(answer["text"])
