"""Searching as one types: when the page asks, and what becomes of questions that are outdated."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Route, expect

from tests.browser.people import make_people
from tests.builders import make_user

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database
SEARCHES = re.compile(r"/users/\?.*q=")
LONGEST_WAIT = 400  # milliseconds, of static/scripts/search.js


@pytest.fixture
def directory(page: Page, browser_context, enter) -> Page:
    """Open, signed in as a manager, with sixty people in it, and a clock that stands still."""
    make_people(60)
    enter(browser_context, make_user("Manager", username="zz.boss"))
    page.clock.install()
    page.goto("/users/?size=25")
    page.wait_for_load_state("networkidle")
    page.clock.pause_at(datetime.now(UTC).replace(year=2100))
    page.wait_for_load_state("networkidle")
    return page


@pytest.fixture
def held(directory: Page) -> list[Route]:
    """Holds the answer to the first search."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    directory.route(SEARCHES, keep)
    return held


@pytest.fixture
def asked(directory: Page) -> list[str]:
    """What the page has searched for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if SEARCHES.search(request.url):
            asked.append(question(request))

    directory.on("request", note)
    return asked


def question(request: Request) -> str:
    return re.search(r"[?&]q=([^&]*)", request.url)[1]


def press(page: Page, keys: str) -> None:
    """Types into the search box, wherever the focus was."""
    for key in keys:
        page.locator("#q").press(key)


def wait_for_question(page: Page, text: str) -> None:
    """Waits until the page shows the answer to a search."""
    expect(page).to_have_url(re.compile(rf"[?&]q={text}(&|$)"))


def test_the_first_key_asks_at_once(directory: Page):
    with directory.expect_response(re.compile(r"/users/\?.*q=n&")):
        press(directory, "n")
    wait_for_question(directory, "n")


def test_further_keys_wait_for_the_answer_and_then_ask_at_once(directory: Page, held, asked):
    with directory.expect_request(SEARCHES):
        press(directory, "n")
    press(directory, "umber013")
    assert asked == ["n"]
    held[0].continue_()
    wait_for_question(directory, "number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    assert asked == ["n", "number013"]


def test_an_answer_that_takes_long_is_given_up_for_the_newer_question(directory: Page, held, asked):
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    directory.on("console", note)
    with directory.expect_request(SEARCHES):
        press(directory, "n")
    press(directory, "umber0")
    assert asked == ["n"]
    with directory.expect_event("requestfailed") as given_up:
        directory.clock.run_for(LONGEST_WAIT)
    assert "q=n&" in given_up.value.url
    wait_for_question(directory, "number0")
    assert asked == ["n", "number0"]
    expect(directory.locator("#trouble")).to_be_hidden()
    assert said == []


def test_the_count_is_asked_for_once_when_one_stops_typing(directory: Page):
    counted: list[str] = []

    def note(route: Route) -> None:
        counted.append(question(route.request))
        route.continue_()

    directory.route("**/users/count/**", note)
    for text in ("n", "nu", "num"):
        press(directory, text[-1])
        wait_for_question(directory, text)
    with directory.expect_response("**/users/count/**"):
        directory.clock.run_for(1000)
    expect(directory.locator("#count strong")).to_have_text("60")
    assert counted == ["num"]


def test_back_leads_to_where_the_search_began(directory: Page):
    for text in ("n", "nu", "num"):
        press(directory, text[-1])
        wait_for_question(directory, text)
    directory.clock.run_for(2000)
    press(directory, "b")
    wait_for_question(directory, "numb")
    with directory.expect_event("domcontentloaded"):  # HTMX reloads the page
        directory.go_back()
    wait_for_question(directory, "num")
    directory.go_back()
    expect(directory).to_have_url(re.compile(r"/users/\?size=25$"))
    expect(directory.locator("#q")).to_have_value("")
