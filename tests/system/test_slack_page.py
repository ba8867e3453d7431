"""The simulated Slack in a real browser: what people do there reaches the bridge, and what it answers is shown."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import assert_it_is_well_made
from tests.support.processes import Journey

pytestmark = pytest.mark.slow

LONG = 100
"""Seconds of an import that is long enough for a living message, which comes after a minute."""


def send(page: Page, text: str, channel: str = "C0PANELS") -> None:
    page.get_by_label("Channel", exact=True).select_option(channel)
    page.get_by_label("Message or command").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_label("Message or command")).to_have_value("")


def message(page: Page, text: str) -> Locator:
    return page.get_by_role("article").filter(has_text=text)


def start_long_import(journey: Journey, import_id: str) -> None:
    """Start an import that takes longer than a minute."""
    url = f"http://127.0.0.1:{journey.port + 1}/control/imports/{import_id}"
    journey.http.put(url, json={"seconds": LONG, "people": 2000}).raise_for_status()


def test_a_command_is_confirmed_listed_and_stopped(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)
    send(page, "/rally watch demo-slow-51 By command")

    confirmation = message(page, "Watching demo-slow-51 · By command")
    expect(confirmation).to_contain_text("Only visible to you")
    send(page, "/rally list")
    expect(message(page, "open watch")).to_contain_text("demo-slow-51")
    assert_it_is_well_made(page)

    confirmation.get_by_role("button", name="Stop watching").press("Enter")
    expect(message(page, "Stopped watching demo-slow-51")).to_have_count(1)
    expect(page.get_by_role("button", name="Stop watching")).to_have_count(0)


def test_on_a_phone_the_answer_to_a_click_is_in_sight(journey: Journey, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 600})
    page.goto(journey.inbox)
    send(page, "/rally watch demo-slow-54")
    confirmation = message(page, "Watching demo-slow-54")
    expect(confirmation).to_be_in_viewport()
    for number in range(8):
        send(page, f"Message {number}")
    confirmation.get_by_role("button", name="Stop watching").click()
    expect(message(page, "Stopped watching demo-slow-54")).to_be_in_viewport()


def test_a_channel_without_the_app_says_how_to_invite_it(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)
    send(page, "/rally watch demo-slow-52", "C0GENERAL")
    expect(message(page, "demo-slow-52 is not watched: I am not in this channel")).to_have_count(1)

    send(page, "/invite @Rally imports", "C0GENERAL")
    send(page, "/rally watch demo-slow-52", "C0GENERAL")
    expect(message(page, "Watching demo-slow-52")).to_have_count(1)


def test_the_modal_is_filled_in_by_keyboard_and_shows_what_is_wrong(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)
    send(page, "/rally watch demo-slow-53")
    send(page, "Has `demo-slow-53` ended?")
    shortcut = message(page, "Has demo-slow-53 ended?").get_by_role("button", name="Shortcut: Watch this import")
    shortcut.press("Enter")

    field = page.get_by_role("dialog").get_by_label("Import id")
    expect(field).to_be_focused()
    expect(field).to_have_value("demo-slow-53")
    assert_it_is_well_made(page)
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("demo-slow-53 is watched already")
    assert_it_is_well_made(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(shortcut).to_be_focused()


def test_the_shortcut_works_without_scripts(journey: Journey, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(journey.inbox)
        page.get_by_role("button", name="Shortcut: Watch a Rally import").click()
        page.get_by_label("Import id").fill("demo-slow-55")
        page.get_by_role("dialog").get_by_role("button", name="Watch", exact=True).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(message(page, "Watching demo-slow-55")).to_have_count(1)


def test_a_long_import_has_a_living_message_and_its_end_in_the_thread_and_the_channel(
    journey: Journey, page: Page
) -> None:
    start_long_import(journey, "long-1")
    destination = {"type": "slack", "channel": "C0RESEARCHOPS", "live": True}
    journey.watch("long-1", destination)
    page.goto(f"{journey.inbox}?in=C0RESEARCHOPS")

    living = message(page, "Import running").first
    expect(living).to_contain_text("people", timeout=90_000)
    end = message(page, "replied to a thread")
    expect(end).to_have_count(1, timeout=60_000)
    expect(page.get_by_role("article").filter(has_text="1 reply")).to_contain_text("edited")
    assert_it_is_well_made(page)
