"""The console in a real browser: every page and action, by keyboard, at both widths, in light and dark."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import overflow_of, problems_of
from tests.support.processes import Journey, free_ports, up, wait_for

pytestmark = pytest.mark.slow

WIDE, NARROW = (1280, 800), (390, 844)
HOSTILE = "\"><script>console.log(1)</script><img src=//127.0.0.2/x onerror=console.log(2)>'{{7*7}}"
REFUSED = "the server responded with a status of 422"
"""What Chromium logs when a form is refused, as some tests want."""
PAGES = ("", "/watches", "/deliveries", "/deliveries/send-again", "/destinations", "/rules", "/workspaces", "/workers")


@pytest.fixture(scope="module")
def journey(
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,  # noqa: ARG001 - without a browser, no bridge is started
) -> Iterator[Journey]:
    with up(
        tmp_path_factory.mktemp("console") / "data", free_ports(), POLL_FLOOR="200ms", CLIENT_RATE_LIMIT="1000000"
    ) as journey:
        yield journey


@pytest.fixture(scope="module")
def watches(journey: Journey) -> dict[str, dict[str, Any]]:
    """A watch that was told, one whose receiver refused, one that is open, and one with hostile text."""
    inbox = f"http://127.0.0.1:{journey.port + 1}/inbox"
    refusal = [{"status": 410, "body": HOSTILE}] * 5
    journey.http.post(f"http://127.0.0.1:{journey.port + 1}/control/inbox/refusing/answers", json=refusal)
    made = {
        "told": journey.post("demo-completed-1"),
        "refused": create(
            journey, "demo-partial-1", notify=[{"type": "callback", "url": f"{inbox}/callbacks/refusing"}]
        ),
        "open": create(journey, "never-shown", label="An open one"),
        "hostile": create(journey, "hostile", label=HOSTILE, metadata={HOSTILE[:100]: HOSTILE}),
    }
    ended = {"told", "refused"}
    wait_for(lambda: all(is_done(journey, made[name]) for name in ended), "the ends of the demo imports")
    return made


def create(journey: Journey, import_id: str, **wish: Any) -> dict[str, Any]:
    answer = journey.http.post(
        f"http://127.0.0.1:{journey.port}/v1/watches",
        json={"importId": import_id, **wish},
        headers={"Authorization": f"Bearer {journey.key}"},
    )
    assert answer.status_code == 202, answer.text
    watch: dict[str, Any] = answer.json()
    return watch


def is_done(journey: Journey, watch: dict[str, Any]) -> bool:
    found = journey.get(watch)
    return found["state"] == "settled" and all(each["endedAt"] for each in found["deliveries"])


@pytest.fixture
def console(journey: Journey) -> str:
    return f"http://127.0.0.1:{journey.port}/console"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, journey: Journey, console: str) -> Iterator[Page]:
    """A page, signed in, that fails the test if it asks another server, or logs an error."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    seen: list[str] = []
    logged: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: logged.append(message.text))
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.goto(console)
    sign_in(page, journey)
    yield page
    assert [text for text in logged if REFUSED not in text] == []
    assert [url for url in seen if not url.startswith(f"http://127.0.0.1:{journey.port}/")] == []


def sign_in(page: Page, journey: Journey) -> None:
    page.get_by_label("API key").fill(journey.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def assert_it_is_well_made(page: Page) -> None:
    """Check that nothing is cut off, and what axe-core finds, at both widths and in both colour schemes."""
    for width, height in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": height})
        assert overflow_of(page) <= 0, f"it scrolls sideways at {width} px"
        assert problems_of(page) == []
    page.emulate_media(color_scheme="dark")
    assert problems_of(page, "color-contrast") == []


def test_the_form_for_signing_in_has_no_finding(browser: Browser, console: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(console)
        assert page.url.startswith(f"{console}/sign-in")
        assert_it_is_well_made(page)
        page.get_by_label("API key").fill("rbk_not-a-key-of-anybody")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("The API key is invalid.")
        assert_it_is_well_made(page)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.usefixtures("watches")
def test_a_page_has_no_finding(page: Page, console: str, path: str) -> None:
    page.goto(console + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_it_is_well_made(page)


@pytest.mark.parametrize("name", ["told", "refused", "open", "hostile"])
def test_the_page_of_a_watch_has_no_finding(
    page: Page, console: str, watches: dict[str, dict[str, Any]], name: str
) -> None:
    page.goto(f"{console}/watches/{watches[name]['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(watches[name]["importId"])
    assert_it_is_well_made(page)


def test_hostile_text_runs_nothing_and_is_shown(page: Page, console: str, watches: dict[str, dict[str, Any]]) -> None:
    page.goto(f"{console}/watches")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    for name in ("hostile", "refused"):
        page.goto(f"{console}/watches/{watches[name]['id']}")
        expect(page.get_by_text("<script>console.log(1)</script>").first).to_be_visible()


def test_an_import_is_watched_and_its_page_follows_it(page: Page, console: str) -> None:
    page.goto(f"{console}/watches")
    page.get_by_role("link", name="Watch an import").click()
    assert_it_is_well_made(page)
    page.get_by_label("Import id").fill("demo-completed-7")
    page.get_by_label(re.compile("^Label")).fill("Followed")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("The import is watched.")
    expect(page.get_by_text("watching", exact=True)).to_be_visible()
    expect(page.get_by_text("completed", exact=True)).to_be_visible(timeout=40_000)  # without a reload


def test_a_form_with_problems_names_them_and_keeps_its_fields(page: Page, console: str) -> None:
    page.goto(f"{console}/watches/new")
    page.get_by_label("Import id").fill("imp")
    page.get_by_label(re.compile("^Slack channel")).fill("general")
    page.get_by_role("button", name="Watch it").click()
    expect(page.get_by_role("alert")).to_contain_text("Slack:")
    expect(page.get_by_label("Import id")).to_have_value("imp")
    assert_it_is_well_made(page)


def test_a_watch_is_cancelled_by_keyboard_alone(page: Page, console: str, journey: Journey) -> None:
    watch = create(journey, "to-be-cancelled")
    page.goto(f"{console}/watches/{watch['id']}")
    page.get_by_role("button", name="Pause updates").press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Cancel the watch":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The watch was cancelled.")
    assert journey.get(watch)["state"] == "cancelled"


def test_a_refused_message_is_sent_again(page: Page, console: str, watches: dict[str, dict[str, Any]]) -> None:
    page.goto(f"{console}/watches/{watches['refused']['id']}")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status")).to_have_text("The message is sent again.")
    expect(page.get_by_role("cell", name="2", exact=True)).to_be_visible(timeout=30_000)  # the second attempt


def test_abandoned_messages_are_counted_and_sent_again(
    page: Page, console: str, journey: Journey, watches: dict[str, dict[str, Any]]
) -> None:
    wait_for(lambda: is_done(journey, watches["refused"]), "the end of its delivery")
    page.goto(f"{console}/deliveries")
    page.get_by_role("link", name="Send abandoned ones again").click()
    page.get_by_label("Reason contains").fill("for good")
    page.get_by_role("button", name="Count").click()
    page.get_by_role("button", name="Send 1 again").click()
    expect(page.get_by_role("status")).to_have_text("1 delivery is sent again.")


def test_a_test_message_is_sent_to_a_named_destination(page: Page, console: str) -> None:
    page.goto(f"{console}/destinations")
    page.get_by_role("button", name="Send a test message").first.click()
    expect(page.get_by_role("status")).to_contain_text("was accepted")


def test_watches_are_found_by_their_label(page: Page, console: str, watches: dict[str, dict[str, Any]]) -> None:
    page.goto(f"{console}/watches")
    page.get_by_label("Label").fill("AN OPEN ONE")
    page.get_by_role("button", name="Search").click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_role("link").click()
    expect(page).to_have_url(f"{console}/watches/{watches['open']['id']}")


def test_an_opened_table_is_left_as_it_is(page: Page, console: str) -> None:
    page.goto(console)
    page.get_by_text("Table").first.click()
    opened = page.locator("details[open]")
    expect(opened).to_have_count(1)
    with page.expect_response(console):
        pass
    expect(opened).to_have_count(1)


def test_a_page_whose_session_was_ended_elsewhere_asks_to_sign_in(
    page: Page, context: BrowserContext, console: str
) -> None:
    page.goto(f"{console}/watches")
    other = context.new_page()
    other.goto(f"{console}/watches")
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible(timeout=30_000)


def test_the_console_works_without_scripts(browser: Browser, journey: Journey, console: str) -> None:
    watch = create(journey, "without-scripts")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{console}/watches/{watch['id']}")
        sign_in(page, journey)
        page.get_by_role("button", name="Cancel the watch").click()
        expect(page.get_by_role("status")).to_have_text("The watch was cancelled.")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key")).to_be_visible()


def test_ten_thousand_watches_are_listed_in_pages(page: Page, console: str, journey: Journey) -> None:
    batch = {"watches": [{"importId": "crowd", "label": "One of many"}] * 100}
    for number in range(100):
        journey.http.post(
            f"http://127.0.0.1:{journey.port}/v1/watches/batch",
            json=batch,
            headers={"Authorization": f"Bearer {journey.key}", "Idempotency-Key": f"crowd-{number}"},
        ).raise_for_status()

    page.goto(f"{console}/watches?label=one+of+MANY&state=watching")
    expect(page.get_by_role("row")).to_have_count(51)
    for _ in range(3):
        page.get_by_role("link", name="Older »").click()
        expect(page.get_by_role("row")).to_have_count(51)
    assert_it_is_well_made(page)
    page.goto(console)
    expect(page.get_by_text("Open watches").first).to_be_visible()
    assert_it_is_well_made(page)
