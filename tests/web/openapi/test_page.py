"""The reference at `/docs`: what it begins with, and the curl line of each call."""

import json
import re
import shlex
from html import unescape

import pytest

from bridge.web.endpoints.guides import GUIDES
from bridge.web.openapi.curl_examples import calls_by_tag
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/", "/docs/"])
async def test_the_root_and_the_folder_of_the_guides_redirect_to_the_reference(world: World, path: str) -> None:
    answer = await world.api.get(path)

    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_the_reference_begins_with_a_first_watch_and_shows_post_before_get(world: World) -> None:
    page = (await world.api.get("/docs")).text
    blocks = [unescape(block) for block in re.findall(r"<pre [^>]*>(.*?)</pre>", page, re.DOTALL)]

    assert blocks[0].startswith('curl -sS "$RALLY_BRIDGE_URL/v1/watches"')
    headings = re.findall(r'<span class="method">(\w+)</span> <code>(.*?)</code>', page)
    assert headings[:2] == [("POST", "/v1/watches"), ("GET", "/v1/watches")]


async def test_the_reference_links_to_every_guide(world: World) -> None:
    page = (await world.api.get("/docs")).text

    assert [name for name in GUIDES if page.count(f'href="/docs/{name}"') < 2] == [], "in the contents and the text"


async def test_each_call_has_a_curl_line_with_its_method_its_key_and_its_example(world: World) -> None:
    document = (await world.api.get("/openapi.json")).json()
    calls = [call for calls in calls_by_tag(document).values() for call in calls]
    assert len(calls) == sum(map(len, document["paths"].values()))

    for call in calls:
        words = shlex.split(call.curl(call.example))
        posts = "-d" in words or words[words.index("-X") + 1 if "-X" in words else 0] == "POST"
        assert posts == (call.method == "post"), call
        assert ("Authorization: Bearer $RALLY_BRIDGE_KEY" in words) == (call.operation.get("security") != []), call
        assert "{" not in next(word for word in words if word.startswith("$RALLY_BRIDGE_URL/")), call
        if call.example:
            assert json.loads(words[words.index("-d") + 1]) == call.example


async def test_the_curl_line_of_a_stream_does_not_buffer(world: World) -> None:
    document = (await world.api.get("/openapi.json")).json()
    stream = next(call for call in calls_by_tag(document)["Watches"] if call.path.endswith("/events"))

    assert stream.curl(None).startswith('curl -sSN "$RALLY_BRIDGE_URL/v1/watches/$WATCH_ID/events"')
