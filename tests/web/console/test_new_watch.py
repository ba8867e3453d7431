"""The form that watches an import."""

from html import unescape

import pytest

from bridge.web.console.new_watch import body_of, sentence
from bridge.web.refusals import Problem
from tests.support.console import send
from tests.support.world import World

pytestmark = pytest.mark.anyio

PATH = "/console/watches/new"
EMPTY = dict.fromkeys(("importId", "workspace", "label", "named", "channel", "webhook", "callback", "on", "hours"), "")


def test_empty_fields_are_left_out_of_the_request() -> None:
    assert body_of({**EMPTY, "importId": "imp"}) == {"importId": "imp", "notify": []}


def test_a_filled_in_form_becomes_the_request_of_a_client() -> None:
    filled = {**EMPTY, "importId": "imp", "label": "Q4", "channel": "C0123ABCD", "on": "problems", "hours": "2"}
    assert body_of(filled) == {
        "importId": "imp",
        "label": "Q4",
        "notify": [{"type": "slack", "channel": "C0123ABCD", "on": "problems"}],
        "expiresIn": 7200,
    }


@pytest.mark.parametrize("hours", ["soon", "-1", "²", "1e3"])
def test_hours_that_are_no_number_are_sent_to_be_refused(hours: str) -> None:
    assert body_of({**EMPTY, "hours": hours})["expiresIn"] == hours


def test_a_problem_names_the_field_of_the_form() -> None:
    body = {"notify": [{"type": "slack_webhook"}]}
    assert sentence(Problem("/notify/0/url", "Must be a URL", "x"), body) == "Slack webhook: Must be a URL."
    assert sentence(Problem("/importId", "Must be text", "x"), body) == "Import id: Must be text."


async def test_an_import_is_watched_for_the_client_that_is_signed_in(signed_in: World) -> None:
    done = await send(
        signed_in, PATH, PATH, importId="imp", label="Q4", callback=signed_in.sandbox.callback_url(), on="problems"
    )
    assert done.status_code == 303
    page = await signed_in.api.get(done.headers["location"])
    assert "The import is watched." in page.text
    (watch,) = (await signed_in.get("/v1/watches")).json()["data"]
    assert (watch["importId"], watch["label"], watch["createdBy"]) == ("imp", "Q4", "crm")
    assert watch["notify"][0]["on"] == "problems"


async def test_every_problem_is_named_and_what_was_typed_is_kept(signed_in: World) -> None:
    hostile = '"><script>alert(1)</script>'
    refused = await send(
        signed_in, PATH, PATH, importId="", label=hostile, webhook="http://169.254.169.254/x", channel="x", hours="soon"
    )
    assert refused.status_code == 422
    words = unescape(refused.text)
    for each in ("Import", "Slack webhook:", "Slack:", "Hours until it expires:"):
        assert each in words
    assert "<script>alert" not in refused.text
    assert hostile in words
    assert (await signed_in.get("/v1/watches")).json()["data"] == []


async def test_it_needs_the_token(signed_in: World) -> None:
    assert (await signed_in.api.post(PATH, data={"importId": "imp", "csrf": "guessed"})).status_code == 403
    assert (await signed_in.get("/v1/watches")).json()["data"] == []
