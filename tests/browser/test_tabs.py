"""The tabs of an account's page by keyboard alone, with scripts and without."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import make_superuser, make_user
from users.account.tabs import TABS
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database

FAR = 80  # more keys than any of these pages takes


@pytest.fixture(params=["with scripts", "without scripts"])
def tab(request, page: Page, browser_context, enter, plain_page) -> Page:
    """On the page of person000, whose telephone has been changed."""
    make_people(1)
    agent = make_user("Support")
    person = User.objects.get(username="person000")
    edit_profile(person, by=make_superuser(), version=1, phone="+4915112345678")
    enter(browser_context, agent)
    tab = page if request.param == "with scripts" else plain_page(agent)
    tab.goto(f"/users/{person.pk}/")
    return tab


def go_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Presses a key until something is focused."""
    for _ in range(FAR):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached")


def test_each_tab_is_reached_and_opened_with_the_keyboard(tab: Page):
    for one in TABS[1:]:
        go_to(tab, f"#tab-{one.key}")
        tab.keyboard.press("Enter")
        expect(tab.locator(f"#tab-{one.key}")).to_have_attribute("aria-current", "page")
        assert tab.url.endswith(f"/{one.path}")
        expect(tab.locator("h1")).to_have_text("Ada Number000")
    tab.go_back()
    expect(tab.locator("#tab-notes")).to_have_attribute("aria-current", "page")


def test_with_scripts_the_tab_that_was_opened_keeps_the_focus(page: Page, browser_context, enter):
    ada = make_user(username="ada")
    enter(browser_context, make_user("Viewer"))
    page.goto(f"/users/{ada.pk}/")
    go_to(page, "#tab-access")
    for one, following in pairwise(TABS[1:]):
        page.keyboard.press("Enter")
        expect(page.locator(f"#tab-{one.key}")).to_have_attribute("aria-current", "page")
        expect(page.locator(f"#tab-{one.key}")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator(f"#tab-{following.key}")).to_be_focused()


def test_a_value_is_put_back_with_the_keyboard(tab: Page):
    go_to(tab, "#tab-activity")
    tab.keyboard.press("Enter")
    expect(tab.locator("#tab-activity")).to_have_attribute("aria-current", "page")
    go_to(tab, "a[href$='/history/']")
    tab.keyboard.press("Enter")
    expect(tab.locator(".history")).to_be_visible()
    person = User.objects.get(username="person000")
    before = person.date_joined.strftime("%Y-%m-%d")
    tab.goto(
        f"/users/{person.pk}/history/?at={before}"
    )  # how a date is typed is the browser's affair
    go_to(tab, "a[href*='/history/phone/']")
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Restore this value?")
    go_to(tab, "textarea")
    tab.keyboard.type("A mistake")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("status")).to_contain_text("Phone restored.")
    assert User.objects.get(pk=person.pk).phone == ""
