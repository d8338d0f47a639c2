"""The keyboard in lists and accounts, and what a click on a row does."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import make_user
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def directory(page: Page, browser_context, enter) -> Page:
    make_people(30)
    boss = make_user("Manager", username="zz.boss", first_name="Boss")
    edit_profile(make_user(username="ada"), by=boss, version=1, phone="+4915112345678")
    enter(browser_context, boss)
    page.goto("/users/?size=25")
    return page


def test_enter_opens_the_only_match_and_no_other(directory: Page):
    directory.locator("#q").press_sequentially("number01")
    directory.locator("#q").press("Enter")
    expect(directory.locator(".list tbody tr")).to_have_count(10)
    directory.locator("#q").press_sequentially("3")
    directory.locator("#q").press("Enter")  # the response may not have come yet
    expect(directory.locator("h1")).to_have_text("Grace Number013")


def test_arrows_lead_into_the_list_and_back_and_a_ticks_all(directory: Page):
    links = directory.locator(".list tbody td:first-child a")
    directory.locator("#q").press("ArrowDown")
    expect(links.nth(0)).to_be_focused()
    directory.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    directory.keyboard.press("a")
    expect(directory.locator("#ticked")).to_have_text("25 selected")
    directory.keyboard.press("ArrowUp")
    directory.keyboard.press("ArrowUp")
    expect(directory.locator("#q")).to_be_focused()


def test_keys_open_tabs_and_begin_a_note(directory: Page):
    directory.locator(".list tbody a").nth(3).click()
    directory.wait_for_load_state()
    directory.keyboard.press("2")
    expect(directory.locator("#tab-access")).to_have_attribute("aria-current", "page")
    directory.keyboard.press("c")
    expect(directory.locator(".remark-form textarea")).to_be_focused()
    directory.keyboard.type("s2?")
    expect(directory.locator(".remark-form textarea")).to_have_value("s2?")
    directory.locator(".remark-form textarea").fill("")
    directory.keyboard.press("Escape")
    directory.keyboard.press("s")
    expect(directory.locator("h1")).to_contain_text("Suspend")


def test_the_audit_trail_is_walked_by_keys(directory: Page):
    directory.goto("/audit/")
    directory.keyboard.press("j")
    expect(directory.locator(".events > li").first).to_be_focused()
    directory.keyboard.press("/")
    expect(directory.locator("search input").first).to_be_focused()
    directory.locator(".events > li").first.press("Enter")
    expect(directory).to_have_url(re.compile(r"/users/\d+/$"))


def test_the_list_of_keys_has_a_button_and_turns_them_off(directory: Page):
    directory.get_by_role("link", name="Shortcuts").click()
    dialog = directory.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_label("Use shortcuts in this browser").uncheck()
    directory.keyboard.press("Escape")
    directory.keyboard.press("j")
    expect(directory.locator(".list tbody a:focus")).to_have_count(0)
    directory.locator("#q").press("ArrowDown")
    expect(directory.locator(".list tbody a:focus")).to_have_count(1)


def test_a_row_opens_by_a_click_and_its_text_can_be_selected(directory: Page):
    cell = directory.locator(".list tbody td.c-email").nth(2)
    box = cell.bounding_box()
    middle = box["y"] + box["height"] / 2
    directory.mouse.move(box["x"] + 12, middle)
    directory.mouse.down()
    directory.mouse.move(box["x"] + 100, middle, steps=4)
    directory.mouse.up()
    assert len(directory.evaluate("getSelection().toString()")) > 5
    expect(directory.locator("h1")).to_have_text("Directory")
    name = directory.locator(".list tbody td:first-child a").nth(4).inner_text()
    directory.locator(".list tbody td.c-state").nth(4).click()  # ends the selection
    expect(directory.locator("h1")).to_have_text(name)


def test_a_menu_closes_when_the_focus_leaves_it(directory: Page):
    directory.goto("/users/selection/?all=1")
    menu = directory.locator("main details.menu")
    menu.locator("summary").press("Enter")
    expect(menu).to_have_attribute("open", "")
    directory.keyboard.press("Tab")
    expect(menu.locator("a").first).to_be_focused()
    menu.locator("a").last.focus()
    directory.keyboard.press("Tab")
    expect(menu).not_to_have_attribute("open", "")


def test_the_list_of_keys_begins_at_its_heading_and_gives_the_focus_back(directory: Page):
    directory.set_viewport_size({"width": 390, "height": 500})
    link = directory.locator(".list tbody a").first
    link.focus()
    directory.keyboard.press("?")
    expect(directory.locator("#shortcuts h1")).to_be_focused()
    expect(directory.locator("#shortcuts h1")).to_be_in_viewport()
    directory.keyboard.press("Escape")
    expect(directory.locator("#keys")).to_be_hidden()
    expect(link).to_be_focused()
