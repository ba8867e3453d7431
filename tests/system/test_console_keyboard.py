"""Every action of the console by keyboard alone, with a focus that can be seen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.processes import Journey, wait_for

pytestmark = pytest.mark.slow

MOST_TABS = 80
NAME = "() => (document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
CAN_BE_SEEN = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"


def focus(page: Page, name: str) -> None:
    """Press Tab until what begins with this name has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(NAME).startswith(name):
            assert page.evaluate(CAN_BE_SEEN), f"the focus on “{name}” is invisible"
            return
    pytest.fail(f"Tab does not reach “{name}”")


def use(page: Page, name: str) -> None:
    """Press a button, or follow a link."""
    focus(page, name)
    page.keyboard.press("Enter")


def go(page: Page, name: str, address: str) -> None:
    """Follow a link or send a form, and wait for the page at an address."""
    use(page, name)
    expect(page).to_have_url(re.compile(re.escape(address)))


def write(page: Page, field: str, text: str) -> None:
    focus(page, field)
    page.keyboard.type(text)


def expect_status(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(text)


@pytest.fixture
def console(page: Page, journey: Journey) -> str:
    """The address of the console, in which the page is signed in."""
    address = f"http://127.0.0.1:{journey.port}/console"
    page.goto(address)
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(journey.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    return address


def refused_by(journey: Journey, name: str) -> str:
    """Watch an import that has ended, whose message is refused for good, and return the path of its page."""
    sandbox = f"http://127.0.0.1:{journey.port + 1}"
    journey.http.post(f"{sandbox}/control/inbox/{name}/answers", json=[{"status": 410}])
    watch = journey.watch("demo-partial-1", {"type": "callback", "url": f"{journey.inbox}/callbacks/{name}"})
    wait_for(lambda: {each["state"] for each in journey.get(watch)["deliveries"]} == {"abandoned"}, "the refusal")
    return f"/watches/{watch['id']}"


def test_signing_in_and_out(page: Page, console: str) -> None:
    go(page, "Sign out", f"{console}/sign-in")
    expect(page.get_by_label("API key")).to_be_focused()


def test_the_navigation_can_be_skipped(page: Page, console: str) -> None:
    page.goto(f"{console}/watches")
    use(page, "Skip to the content")
    page.keyboard.press("Tab")
    assert page.evaluate(NAME) == "Watch an import"


def test_searching_watches(page: Page, console: str, journey: Journey) -> None:
    watch = journey.watch("to-be-found")
    go(page, "Watches", f"{console}/watches")
    write(page, "Label", "TO-BE-FOUND")
    focus(page, "State")
    page.keyboard.press("ArrowDown")
    go(page, "Search", "state=watching")
    go(page, "to-be-found", f"{console}/watches/{watch['id']}")


def test_watching_an_import_with_the_form(page: Page, console: str) -> None:
    page.goto(f"{console}/watches")
    go(page, "Watch an import", f"{console}/watches/new")
    write(page, "Import id", "by-keyboard")
    write(page, "Label", "By keyboard")
    focus(page, "Of which ends")
    page.keyboard.press("ArrowDown")
    write(page, "Hours", "2")
    use(page, "Watch it")
    expect_status(page, "The import is watched.")
    expect(page.get_by_role("heading", level=1)).to_have_text("by-keyboard")


def test_cancelling_a_watch(page: Page, console: str, journey: Journey) -> None:
    watch = journey.watch("cancelled-by-keyboard")
    page.goto(f"{console}/watches/{watch['id']}")
    use(page, "Pause updates")
    use(page, "Cancel the watch")
    expect_status(page, "The watch was cancelled.")


def test_sending_a_message_again(page: Page, console: str, journey: Journey) -> None:
    page.goto(console + refused_by(journey, "once"))
    use(page, "Pause updates")
    use(page, "Send again")
    expect_status(page, "The message is sent again.")


def test_sending_many_messages_again(page: Page, console: str, journey: Journey) -> None:
    refused_by(journey, "many")
    page.goto(f"{console}/deliveries")
    go(page, "Send abandoned ones again", f"{console}/deliveries/send-again")
    write(page, "Reason contains", "410")
    go(page, "Count", "reason=410")
    use(page, "Send 1 again")
    expect_status(page, "1 delivery is sent again.")


def test_testing_destinations(page: Page, console: str, journey: Journey) -> None:
    refused_by(journey, "tested")
    for button in ("Send a test message to research-ops", "Send a test message to http"):
        page.goto(f"{console}/destinations")
        use(page, button)
        expect_status(page, "was accepted")


def test_opening_the_table_of_a_plot(page: Page, console: str) -> None:
    page.goto(console)
    use(page, "Table")
    expect(page.locator("details[open]")).to_have_count(1)
