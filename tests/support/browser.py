"""A real browser: Debian's Chromium, driven by Playwright, and axe-core to judge its pages.

Without one of them a test is skipped; in CI it fails instead.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = (1280, 800), (390, 844)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"needs {what}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window."""
    found = next(filter(None, map(shutil.which, NAMES)), None) or missing("Chromium: apt-get install chromium")
    if not AXE.is_file():
        missing("axe-core: npm ci --prefix tests")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root, Chromium does not start with its own
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=root)
        yield browser
        browser.close()


def problems_of(page: Page, *rules: str) -> list[str]:
    """Return each finding of axe-core, by all of its rules or by some, with an element that has it."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]


def overflow_of(page: Page) -> int:
    """Return by how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def assert_it_fits(page: Page) -> None:
    """Check that the page does not scroll sideways, and what axe-core finds where space is short."""
    for width, height in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": height})
        assert overflow_of(page) <= 0, f"it scrolls sideways at {width} px"
    assert problems_of(page) == []


def assert_it_is_well_made(page: Page) -> None:
    """Check the same where there is space, too, and the contrast in the dark."""
    assert_it_fits(page)
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    assert problems_of(page) == []
    page.emulate_media(color_scheme="dark")
    assert problems_of(page, "color-contrast") == []
