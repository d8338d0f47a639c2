"""A saved view is shown as the current one, and can be updated once its filters were changed."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import make_user
from users.directory.models import SavedView

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def boss(browser_context, enter):
    make_people(30)
    boss = make_user("Manager", username="zz.boss")
    SavedView.objects.create(owner=boss, name="Locked out", query="status=suspended")
    enter(browser_context, boss)
    return boss


def test_the_view_that_is_shown_is_marked_and_a_changed_one_can_be_updated(page: Page, boss):
    page.goto("/users/")
    view = page.locator("#views").get_by_role("link", name="Locked out")
    view.click()
    expect(view).to_have_attribute("aria-current", "page")
    expect(page.locator("#opened-view")).to_have_text("View: “\u2068Locked out\u2069”")
    expect(page.get_by_role("link", name="Save view")).to_be_hidden()
    page.locator("#q").fill("number")
    expect(view).not_to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Save view")).to_be_visible()
    page.get_by_role("link", name="Update").click()
    page.get_by_role("button", name="Update view").click()
    expect(view).to_have_attribute("aria-current", "page")
    assert SavedView.objects.get().query == "q=number&status=suspended"
    expect(page.locator(".notes")).to_contain_text("updated")
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("#opened-view")).to_have_count(0)
    expect(page.locator(".notes")).to_have_count(0)
