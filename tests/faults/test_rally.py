"""The fake Rally stays within the bounds in which the checker may require the right outcome."""

from collections.abc import AsyncIterator
from itertools import groupby
from random import Random
from time import time

import httpx
import pytest

from tests.faults.answers import Story
from tests.faults.history import Window
from tests.faults.rally import ENOUGH_READ, MOST_STRAYS, Rally
from tests.faults.wire import LOOPBACK
from tests.support.plain_http import plain_async_client

pytestmark = pytest.mark.anyio
IMPORTS = [f"imp-{number}" for number in range(2 * ENOUGH_READ)]


@pytest.fixture
async def rally() -> AsyncIterator[Rally]:
    rally = Rally(Window(limit=10_000, seconds=3600), Random(1))
    rally.stories = {each: Story(ending="completed", began=time(), seconds=600.0) for each in IMPORTS}
    await rally.server.open()
    yield rally
    rally.server.close()


async def ask(rally: Rally, *import_ids: str) -> list[httpx.Response]:
    async with plain_async_client(f"http://{LOOPBACK}:{rally.server.port}") as http:
        return [await http.get(f"/worker0/v1/imports/{each}") for each in import_ids]


async def test_existing_imports_are_denied_only_a_few_times_in_a_row(rally: Rally) -> None:
    rally.be("absent")
    statuses = [answer.status_code for answer in await ask(rally, *IMPORTS * 20)]
    rows = [len(list(row)) for absent, row in groupby(status != 200 for status in statuses) if absent]
    assert rows
    assert max(rows) <= MOST_STRAYS


async def test_a_wrong_base_url_hides_imports_that_were_read_and_no_others(rally: Rally) -> None:
    await ask(rally, *IMPORTS)
    rally.be("misplaced")
    *read, new = await ask(rally, *IMPORTS, "imp-new")
    assert {(answer.status_code, answer.headers["Content-Type"]) for answer in read} == {(404, "text/plain")}
    assert new.headers["Content-Type"].startswith("text/html")


async def test_too_few_imports_that_were_read_are_not_hidden(rally: Rally) -> None:
    await ask(rally, IMPORTS[0])
    rally.be("misplaced")
    (answer,) = await ask(rally, IMPORTS[0])
    assert answer.status_code != 404 or answer.headers["Content-Type"].startswith("text/html")


async def test_some_imports_are_refused_or_delayed_while_others_are_read(rally: Rally) -> None:
    for mood, refusals in (("picky", {400, 405, 409, 410, 418, 422}), ("busy", {503})):
        rally.be(mood)
        answers = await ask(rally, *IMPORTS * 5)
        assert {answer.status_code for answer in answers} & refusals
        assert any(answer.is_success and answer.json().get("status") == "UPLOADING" for answer in answers)
