"""What comes after a page, to its places, moves nothing that was there."""

import time

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.people import make_people
from tests.builders import make_superuser, make_user
from users.directory import counts
from users.presence.heartbeat import record_heartbeat
from users.verbs.profile.verb import edit_profile

pytestmark = [pytest.mark.sqlite, pytest.mark.long]  # of the browser, and not of the database
WIDTHS = [320, 390, 768, 1024, 1440]
# How much each shift moved, and the elements, by the first of their HTML.
SHIFTS = """() => new Promise((resolve) => {
  const found = [];
  const html = ({ node }) => (node?.outerHTML ?? node?.data ?? "").slice(0, 80);
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) found.push([shift.value, ...shift.sources.map(html)]);
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(found), 50)));
})"""
PAINTED = "() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))"


@pytest.fixture
def tab(browser: Browser, live_server, enter):
    """Makes a tab of a width, signed in as an account."""
    contexts = []

    def make(account, width: int) -> Page:
        size = {"width": width, "height": 900}
        context = browser.new_context(base_url=live_server.url, viewport=size)
        contexts.append(context)
        enter(context, account)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", ["", "edit/"])
def test_whoever_else_looks_at_an_account_moves_nothing_on_its_page(tab, path):
    ada = make_user(username="ada", first_name="Ada")
    ana = make_user("Support", first_name="Ana")
    for version, width in enumerate(WIDTHS, 1):
        page = tab(make_user("Support"), width)
        page.goto(f"/users/{ada.pk}/{path}")
        page.locator("#presence [hx-trigger=look]").wait_for(state="attached")
        record_heartbeat(ana, ada.pk, now=timezone.now(), editing=True)
        edit_profile(ada, by=ana, version=version, phone=f"12345{width}")
        with page.expect_response("**/presence/**"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#presence .news")).to_be_visible()
        expect(page.locator("#presence")).to_contain_text("Editing: Ana")
        last = page.locator("main :is(a, button):not(#presence *)").last
        last.focus()
        assert page.evaluate(SHIFTS) == [], width
        overlay = page.locator("#presence .news").bounding_box()
        control = last.bounding_box()
        assert control["y"] + control["height"] <= overlay["y"], width


def hold_answers(page: Page, pattern: str) -> list[Route]:
    """Returns a list of requests that wait to be let through."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(pattern, keep)
    return held


def let_through(page: Page, held: list[Route]) -> None:
    """Lets the request through that is held, or will be."""
    deadline = time.monotonic() + 60
    while not held:
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    held.pop().continue_()


def boxes(page: Page) -> list[dict]:
    """Where the parts of the directory are."""
    parts = page.locator(".toolbar, .views, .chips, .list, .pager, .pager > *")
    return [part.bounding_box() for part in parts.all()]


@pytest.mark.parametrize("cap", [10, 10_000])
def test_the_count_comes_to_its_place_and_moves_nothing(tab, monkeypatch, cap):
    monkeypatch.setattr(counts, "EXACT_COUNT_CAP", cap)
    monkeypatch.setattr(counts, "estimate_count", lambda wanted: 10_240_000)
    monkeypatch.setattr(counts, "reaches_cap_soon", lambda wanted, estimate: False)
    make_people(60)
    for width in WIDTHS:
        page = tab(make_superuser(username=f"root{width}"), width)
        held = hold_answers(page, "**/users/count/?q=number*")
        page.goto("/users/?size=25")
        with page.expect_request("**/users/count/?q=number*"):
            page.locator("#q").fill("number")
        before = boxes(page)
        let_through(page, held)
        expect(page.locator("#count strong")).to_have_text("10" if cap == 10 else "60")
        assert boxes(page) == before, width
        assert len(before) >= 8


def test_pages_do_not_move_as_they_load_however_late_the_script_comes(tab):
    make_people(60)
    ada = make_user(username="ada")
    for width in WIDTHS:
        page = tab(make_superuser(username=f"root{width}"), width)
        for path in ("/users/", f"/users/{ada.pk}/"):
            held = hold_answers(page, "**/rollcall.js")
            page.goto(path, wait_until="commit")
            page.locator("main a").last.wait_for()
            page.evaluate(PAINTED)
            let_through(page, held)
            page.wait_for_load_state("networkidle")
            assert page.evaluate(SHIFTS) == [], (path, width)
