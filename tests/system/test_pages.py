"""The pages in a real browser: the inbox of the sandbox, the reference and the guides."""

import os
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bridge.web.endpoints.guides import GUIDES
from tests.support.browser import NARROW, assert_it_fits, assert_it_is_well_made
from tests.support.processes import Journey

pytestmark = pytest.mark.slow


def test_the_inbox_shows_what_its_buttons_start_and_has_no_finding(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)
    assert_it_is_well_made(page)

    page.get_by_role("button", name="Watch demo-completed-1").click()
    page.get_by_role("button", name="Watch demo-partial-1").click()

    expect(page.get_by_role("button", name="Watch demo-partial-2")).to_be_visible()
    articles = page.get_by_role("article")
    expect(articles).to_have_count(4, timeout=30_000)
    expect(articles.filter(has_text="incoming webhook").first).to_contain_text("https://hooks.slack.com/services/")
    expect(articles.filter(has_text="import.completed").first).to_contain_text("https://crm.example.com/hooks/rally")
    expect(page.get_by_text("✓ signature verified")).to_have_count(2)
    assert_it_is_well_made(page)


def test_the_inbox_shows_the_message_of_an_import_that_nobody_watches(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)

    page.get_by_role("button", name="Upload a CSV").click()

    expect(page.get_by_text("COMPLETED, pushed at")).to_be_visible(timeout=30_000)
    message = page.get_by_role("article").filter(has_text="channel C0RESEARCHOPS")
    expect(message).to_have_count(1, timeout=60_000)
    expect(message).to_contain_text("245")
    assert_it_is_well_made(page)


def test_failed_records_are_read_in_a_modal_and_sent_as_csv(journey: Journey, page: Page) -> None:
    here = {"type": "slack", "channel": "C0PANELS"}
    journey.http.put(
        journey.inbox.replace("/inbox", "/control/imports/clicked"),
        json={"type": "CSV", "people": 3, "failed": 60, "statuses": [{"status": "COMPLETED", "after": 0}]},
    ).raise_for_status()
    journey.http.post(
        f"http://127.0.0.1:{journey.port}/v1/watches",
        json={"importId": "clicked", "notify": [here]},
        headers={"Authorization": f"Bearer {journey.key}"},
    ).raise_for_status()
    page.goto(journey.inbox)

    message = page.get_by_role("article").filter(has_text="clicked").filter(has_text="channel C0PANELS")
    message.get_by_role("button", name="Failed records").click()
    modal = page.get_by_role("dialog")
    expect(modal).to_contain_text("1 to 50 of 60")
    assert_it_is_well_made(page)
    modal.get_by_role("button", name="Next").click()
    expect(modal).to_contain_text("51 to 60 of 60")
    modal.get_by_role("button", name="Send me the CSV").click()
    expect(modal).to_contain_text("The CSV is in your direct messages with me.")
    modal.get_by_role("button", name="Close").click()

    expect(page.get_by_role("article").filter(has_text="60 failed records of")).to_contain_text(".csv")


def test_the_inbox_changes_only_what_is_new(journey: Journey, page: Page) -> None:
    def post(name: str) -> None:
        journey.http.post(journey.inbox + "/callbacks/focus", json={"type": name, "lines": list(range(100))})

    post("first")
    page.goto(journey.inbox)
    body = page.get_by_label("Body", exact=True).first
    body.focus()
    body.evaluate("element => element.scrollTop = 50")
    post("second")

    expect(page.get_by_label("Body", exact=True).first).to_contain_text("second")
    focused = page.evaluate("[document.activeElement.scrollTop, document.activeElement.textContent]")
    assert focused[0] == 50
    assert '"first"' in focused[1]


def test_the_inbox_runs_and_loads_nothing_that_a_message_contains(journey: Journey, page: Page) -> None:
    page.goto(journey.inbox)
    hostile = "<img src=http://127.0.0.2/x onerror=console.log(1)><script>console.log(2)</script>"
    journey.http.post(journey.inbox + "/callbacks/hostile", json={"type": hostile})
    expect(page.get_by_text(hostile).first).to_be_visible()


def test_the_inbox_can_be_held(journey: Journey, page: Page) -> None:
    page.clock.install()
    page.goto(journey.inbox)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))

    page.get_by_role("button", name="Pause updates").click()
    page.clock.run_for(10_000)
    assert requested == []

    page.get_by_role("button", name="Resume updates").click()
    with page.expect_response(journey.inbox):
        page.clock.run_for(2_000)


def test_the_inbox_works_without_scripts(journey: Journey, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(journey.inbox)
        page.get_by_role("button", name="Watch demo-failed-1").click()
        expect(page).to_have_url(journey.inbox)
        expect(page.get_by_role("heading", name="Sandbox inbox")).to_be_visible()
    listed = journey.http.get(
        f"http://127.0.0.1:{journey.port}/v1/watches",
        params={"importId": "demo-failed-1"},
        headers={"Authorization": f"Bearer {journey.key}"},
    )
    assert len(listed.json()["data"]) == 1


def test_the_reference_has_no_finding_and_its_first_line_can_be_pasted(
    journey: Journey, page: Page, tmp_path: Path
) -> None:
    page.goto(f"http://127.0.0.1:{journey.port}/")
    assert page.url == f"http://127.0.0.1:{journey.port}/docs"
    assert_it_is_well_made(page)
    assert page.locator("h3").first.inner_text() == "POST /v1/watches"

    line = page.locator("pre").first.inner_text()
    shell = ["bash", "-c", f"source {journey.data / 'exports.sh'}\n{line}"]
    pasted = subprocess.run(shell, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
    assert '"state":"watching"' in pasted.stdout.replace(" ", "")


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_reached_from_the_reference_and_has_no_finding(journey: Journey, page: Page, guide: str) -> None:
    page.goto(f"http://127.0.0.1:{journey.port}/docs")
    page.locator(f'main a[href="/docs/{guide}"]').first.click()
    expect(page).to_have_url(f"http://127.0.0.1:{journey.port}/docs/{guide}")
    assert_it_fits(page)


def test_the_first_cell_heads_its_row_where_cells_are_stacked(journey: Journey, page: Page) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.goto(f"http://127.0.0.1:{journey.port}/docs/operations")
    row = page.locator("tbody tr").first.locator("td")
    expect(row.nth(0)).to_have_css("font-weight", "600")
    expect(row.nth(1)).to_have_css("font-weight", "400")
