"""A bridge that runs as a user starts it, and a page of a real browser. Only tests that ask for them start them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import chromium
from tests.support.processes import Journey, free_ports, up


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def journey(
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,  # noqa: ARG001 - without a browser, no bridge is started
) -> Iterator[Journey]:
    with up(tmp_path_factory.mktemp("pages") / "data", free_ports(), POLL_FLOOR="200ms") as journey:
        yield journey


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if it asks another server, or logs an error."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    requested: list[str] = []
    logged: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: logged.append(message.text))
    page.on("pageerror", lambda error: logged.append(str(error)))
    yield page
    context.close()
    assert logged == []
    assert [url for url in requested if not url.startswith("http://127.0.0.1:")] == []
