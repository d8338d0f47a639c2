"""Playwright with the system's Chromium for tests that are marked `browser`."""

import os
import shutil
from typing import Any

import pytest
from django.db import connections

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
ARGUMENTS = [
    "--no-sandbox",  # root, in a container
    "--disable-gpu",
    "--in-process-gpu",  # a process less, which takes a sixth of the time
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds that a test waits for the page; Playwright's default is 30,000.
TIMEOUT_MS = 60_000
NONE_FOUND = f"no browser: none of {', '.join(NAMES)} is on PATH"


class Browsing:
    """The browser of this machine, and the number of tests that ran with it or were skipped."""

    def __init__(self) -> None:
        self.program = next(filter(None, map(shutil.which, NAMES)), "")
        self.ran = 0
        self.skipped = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "browser" in report.keywords:
            self.skipped += report.skipped
            self.ran += report.when == "call" and not report.skipped

    def summary(self) -> str:
        if self.ran:
            return f"Browser tests: {self.ran} ran with {self.program}."
        if self.skipped:
            return f"Browser tests: {self.skipped} skipped, {NONE_FOUND}."
        return "Browser tests: none chosen."


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "browser: drives a real browser; skipped where none is found"
    )
    config.pluginmanager.register(Browsing(), "browsing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest):
    """Yields Playwright's Browser. Without a browser the test is skipped, or fails if
    REQUIRE_BROWSER=1.
    """
    browsing: Any = request.config.pluginmanager.get_plugin("browsing")
    program = browsing.program
    if not program and os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(NONE_FOUND)
    if not program:
        pytest.skip(NONE_FOUND)
    from playwright.sync_api import expect, sync_playwright

    # Playwright runs an event loop in this thread. Django would refuse every query as unsafe, which
    # it is not, since the tests wait; and it would open new connections for the loop, instead of
    # those that the fixtures prepare and close.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    opened = connections.all()
    with sync_playwright() as playwright:
        for connection in opened:
            connections[connection.alias] = connection
        expect.set_options(timeout=TIMEOUT_MS)
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser_context(browser, live_server):
    """Yields a new profile whose relative URLs are those of the live server.

    Tests that need other options call `browser.new_context`.
    """
    context = browser.new_context(base_url=live_server.url)
    yield context
    context.close()


@pytest.fixture
def page(browser_context):
    """Yields a tab. Errors that the page logs (policy violations, exceptions) fail the test."""
    page = browser_context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def note(message) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.errors = errors
    yield page
    assert not [error for error in errors if not is_response_error(error)], errors


def is_response_error(error: str) -> bool:
    """Returns whether the browser or HTMX reports a response with a status of 400 or more, or a
    request that HTMX aborted.
    """
    reports = ("status of", "Response Status Error", "htmx:sendAbort", "htmx:afterRequest")
    return any(report in error for report in reports)
