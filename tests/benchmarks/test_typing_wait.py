"""bin/bench --browser: the wait after the last key of a search, by the browser's clock."""

import time

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, Route

from benchmarks.typing_wait import Wait, open_directory, type_search, wait_report
from tests.browser.people import make_people
from tests.builders import make_superuser

DELAY_MS = 300


@pytest.fixture
def directory(browser: Browser, live_server) -> Page:
    """Opened as the benchmark opens it, with sixty people in it."""
    make_people(60)
    client = Client()
    client.force_login(make_superuser(username="zz.root"))
    name = settings.SESSION_COOKIE_NAME
    cookies = f"{name}={client.cookies[name].value}; seen=1"
    with open_directory(browser, live_server.url, cookies) as page:
        yield page


@pytest.mark.sqlite  # of the browser, and not of the database
def test_a_wait_ends_with_the_list_and_the_count_of_the_whole_term(directory: Page):
    def delay(route: Route) -> None:
        time.sleep(DELAY_MS / 1000)
        route.continue_()

    directory.route("**/users/?q=num&*", delay)
    wait = Wait("many", "num")
    type_search(directory, wait)
    assert wait.to_list[0] >= DELAY_MS
    assert wait.to_count[0] > wait.to_list[0]
    assert directory.locator("#count").inner_text() == "60 accounts"


@pytest.mark.sqlite
def test_the_count_comes_with_a_list_that_is_complete(directory: Page):
    wait = Wait("one", "number013")
    for _ in range(2):
        type_search(directory, wait)
    assert directory.locator(".list tbody tr").count() == 1
    assert len(wait.to_list) == len(wait.to_count) == 2
    for to_list, to_count in zip(wait.to_list, wait.to_count, strict=True):
        assert 0 < to_list <= to_count < to_list + 100


def test_the_report_has_each_search_and_all_of_them():
    waits = [
        Wait("one", "ann", [10.0] * 19 + [40.0, 50.0], [10.0] * 21),
        Wait("two", "bob", [20.0] * 21, [30.0] * 21),
    ]
    made = wait_report({"accounts": 60}, waits)
    lines = made.text.splitlines()
    assert lines[2].startswith("| search   | list: median |")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[4:7]]
    assert cells == [
        ["one: ann", "10.0", "40.0", "10.0", "10.0"],
        ["two: bob", "20.0", "20.0", "30.0", "30.0"],
        ["all", "20.0", "20.0", "20.0", "30.0"],
    ]
    assert made.data["searches"][0]["list_p95_ms"] == 40.0
    assert made.data["searches"][2]["repeats"] == 42
