"""The bar below the list, with and without scripts."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import make_user

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def page_of_sixty(browser_context, enter) -> None:
    make_people(60)
    enter(browser_context, make_user("Manager", username="zz.boss"))


def test_rows_of_two_pages_are_suspended_from_the_bar(page: Page, page_of_sixty):
    page.goto("/users/?size=25")
    page.locator("input[form=selection]").nth(1).check()
    row = page.locator(".list tbody tr").nth(1).locator("td").first
    expect(row).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    page.locator("[data-page=next]").click()
    expect(page.locator("#ticked")).to_have_text("1 selected, 1 on other pages")
    page.locator("input[form=selection]").first.check()
    expect(page.locator("#selection")).to_contain_text("Select all 61 matching")
    page.locator("#selection").get_by_role("button", name="Suspend", exact=True).click()
    expect(page.locator("h1")).to_have_text("Suspend 2 accounts?")
    page.go_back()
    expect(page.locator("#ticked")).to_have_text("2 selected, 1 on other pages")
    page.locator("#selection summary").click()
    sheet = page.locator("#selection .menu-sheet")
    expect(sheet).to_be_visible()
    expect(sheet).to_be_in_viewport(ratio=1)


def test_without_scripts_the_buttons_carry_the_ticks(plain_page, live_server):
    make_people(60)
    page = plain_page(make_user("Manager", username="zz.boss"))
    page.goto("/users/?size=25")
    page.locator("input[form=selection]").nth(1).check()
    page.get_by_role("button", name="Next page, keep selection").click()
    expect(page.locator("#ticked")).to_contain_text("1 selected on other pages.")
    page.locator("input[form=selection]").nth(2).check()
    page.get_by_role("button", name="Review selection").click()
    expect(page.locator("h1")).to_have_text("2 accounts selected")
