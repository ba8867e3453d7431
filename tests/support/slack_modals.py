"""Modals as Slack's models and documented limits judge them."""

import json
from typing import Any

from slack_sdk.models.views import View

from tests.support.slack_messages import units


def assert_takes(view: dict[str, Any]) -> None:
    """Check a modal by the models of slack_sdk, and by the limits of Slack that they leave out."""
    parsed = View(**view)
    parsed.validate_json()
    assert {key: value for key, value in parsed.to_dict().items() if key != "blocks"}.items() <= view.items()
    assert [block.to_dict() for block in parsed.blocks or []] == view["blocks"]
    assert all(len(view[part]["text"]) <= 24 for part in ("title", "submit", "close") if part in view)
    assert len(json.dumps(view)) < 250_000
    assert 1 <= len(view["blocks"]) <= 100
    assert len(view.get("private_metadata", "")) <= 3_000
    for block in view["blocks"]:
        _assert_takes_block(block)


def _assert_takes_block(block: dict[str, Any]) -> None:
    match block["type"]:
        case "section":
            assert 1 <= units(block["text"]["text"]) <= 3_000
        case "context":
            assert 1 <= len(block["elements"]) <= 10
            assert all(1 <= units(each["text"]) <= 2_000 for each in block["elements"])
        case "actions":
            assert 1 <= len(block["elements"]) <= 25
            assert len({each["action_id"] for each in block["elements"]}) == len(block["elements"])
            for each in block["elements"]:
                assert 1 <= len(each["text"]["text"]) <= 75
                assert 1 <= len(each["accessibility_label"]) <= 75
                assert each["text"]["text"].lower() in each["accessibility_label"].lower()
                assert len(each["value"]) <= 2_000
        case "input":
            assert 1 <= len(block["label"]["text"]) <= 2_000
            assert len(block.get("hint", {}).get("text", "")) <= 2_000
        case kind:
            raise AssertionError(f"{kind} is not shown by older clients")


def texts_of(view: dict[str, Any]) -> str:
    """Return what a modal says, without its buttons."""
    return "\n".join(
        text["text"]
        for block in view["blocks"]
        if block["type"] != "actions"
        for text in block.get("elements") or [block["text"]]
    )


def buttons_of(view: dict[str, Any]) -> dict[str, str]:
    """Return the value of each button of a modal, by its action."""
    return {
        each["action_id"]: each["value"]
        for block in view["blocks"]
        if block["type"] == "actions"
        for each in block["elements"]
    }
