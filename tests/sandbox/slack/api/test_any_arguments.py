"""Whatever the simulated Slack is sent, it answers, and the inbox page can show it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.slack.api.calls import METHODS
from tests.support.sandbox_slack import BUTTON, BUTTONS, HERE, INPUT, SECTION, VIEW, SimulatedSlack

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
NAMES = ("text", "blocks", "elements", "element", "type", "style", "options", "initial_options", "value", "fields")


def changed(*originals: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return documents that are valid but for one field, at the top or one level below."""
    names = st.sampled_from([*NAMES, "accessory", "title", "block_id", "action_id", "expand", "hint", "label"])
    outer = st.builds(lambda original, name, value: {**original, name: value}, st.sampled_from(originals), names, JSON)
    inner = st.builds(
        lambda name, value: {**INPUT, "element": {**INPUT["element"], name: value}},  # type: ignore[dict-item]
        names,
        JSON,
    )
    return outer | inner | JSON


BLOCKS = st.lists(changed(SECTION, BUTTONS, INPUT), max_size=3) | JSON
VIEWS = st.builds(lambda blocks: VIEW | {"blocks": blocks}, BLOCKS) | changed(VIEW)
CHOICE = {"type": "checkboxes", "options": [{"text": {"type": "plain_text", "text": "x"}, "value": "x"}]}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("views.update", {"view": VIEW, "hash": ["x"]}),
        ("chat.postEphemeral", {"channel": HERE, "text": "x", "user": ["U0ALICE"]}),
        ("chat.postMessage", {"channel": [HERE], "text": "x"}),
        ("chat.postMessage", {"channel": HERE, "blocks": [{**BUTTONS, "elements": [{**BUTTON, "style": ["danger"]}]}]}),
        ("chat.update", {"channel": HERE, "ts": ["1"], "text": "x"}),
        ("views.open", {"view": VIEW | {"blocks": [{**INPUT, "element": {**CHOICE, "initial_options": 5}}]}}),
    ],
)
def test_a_value_of_another_type_is_refused(method: str, arguments: dict[str, Any]) -> None:
    slack = SimulatedSlack()
    ids = {"view_id": slack.open().id, "trigger_id": slack.trigger()} if method.startswith("views") else {}

    assert "error" in slack.call(method, **ids, **arguments)


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.just(HERE) | JSON,
        "channel_id": st.just(HERE) | JSON,
        "user": st.just("U0ALICE") | JSON,
        "users": st.just("U0ALICE") | JSON,
        "text": st.just("x") | JSON,
        "ts": JSON,
        "thread_ts": JSON,
        "blocks": BLOCKS,
        "view": VIEWS,
        "view_id": JSON,
        "hash": JSON,
        "files": st.lists(st.fixed_dictionaries({"id": JSON, "title": JSON}), max_size=2) | JSON,
        "initial_comment": JSON,
        "filename": JSON,
        "length": JSON,
    },
)


@given(method=st.sampled_from(sorted(METHODS)), arguments=ARGUMENTS, changes=st.sampled_from(["post", "modal", "file"]))
def test_a_method_answers_or_refuses(method: str, arguments: dict[str, Any], changes: str) -> None:
    slack = SimulatedSlack()
    match changes:
        case "post":
            arguments["ts"] = slack.post().ts
        case "modal":
            arguments |= {"trigger_id": slack.trigger(), "view_id": slack.open().id}
        case _:
            upload = slack.workspace.uploads.announce("x", 1)
            upload.content = b"x"
            arguments["files"] = [{"id": upload.id, "title": arguments.get("text")}]

    answer = slack.call(method, **arguments)
    assert isinstance(answer.get("error", ""), str)
    assert all(isinstance(post.text, str) for post in slack.posts)
