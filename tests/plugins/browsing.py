"""The system's Chromium, driven by Playwright, for tests that are marked `browser`."""

import os
import shutil

import pytest
from django.db import connections

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# milliseconds that a test waits for what should be there soon; playwright's own are 30,000 for most
# things
PATIENCE = 60_000
# An answer of 4xx, as the browser and HTMX tell of it; an outdated question that HTMX gave up.
NO_ERRORS = ("status of", "Response Status Error", "htmx:sendAbort", "htmx:afterRequest")
NONE_FOUND = f"no browser: none of {', '.join(NAMES)} is on PATH"


class Browsing:
    """Which browser there is, and how many tests used it."""

    def __init__(self) -> None:
        self.program = next(filter(None, map(shutil.which, NAMES)), "")
        self.ran = self.skipped = 0

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
    """Playwright's Browser. Skips the test where there is none; with REQUIRE_BROWSER=1 it fails
    instead.
    """
    program = request.config.pluginmanager.get_plugin("browsing").program
    if not program and os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(NONE_FOUND)
    if not program:
        pytest.skip(NONE_FOUND)
    from playwright.sync_api import expect, sync_playwright

    # Playwright keeps an event loop in this thread. Django would then refuse every query as unsafe
    # (it is not, the tests wait), and would open connections of its own for that loop (these are
    # the ones that the fixtures prepare and close).
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    opened = connections.all()
    with sync_playwright() as playwright:
        for connection in opened:
            connections[connection.alias] = connection
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser_context(browser, live_server):
    """A fresh profile whose relative addresses are the live server's. Tests change its options by
    `browser.new_context`.
    """
    context = browser.new_context(base_url=live_server.url)
    yield context
    context.close()


@pytest.fixture
def page(browser_context):
    """One tab. What the page logs as an error (a policy violation, a script's exception) fails the
    test.
    """
    page = browser_context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.errors = errors
    yield page
    assert [error for error in errors if not any(words in error for words in NO_ERRORS)] == []
