"""Lists and navigation on a phone: everything can be read, and touched."""

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_user
from tests.jobs.kinds import start
from users.directory.models import SavedView

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database
LONG = "Karl-Heinz Wolfeschlegelsteinhausenbergerdorff"
# What is cut off, by the text of its row.
CUT = """() => [...document.querySelectorAll(".phone-list tbody :is(td, a, small)")]
  .filter((part) => part.checkVisibility() && part.scrollWidth > part.clientWidth + 1)
  .filter((part) => getComputedStyle(part).display !== "inline").map((part) => part.textContent)"""
BOXES = "(all) => all.map((one) => [one.textContent, one.offsetWidth, one.offsetHeight])"


@pytest.fixture
def phone(page: Page, browser_context, enter) -> Page:
    boss = make_user("Manager", username="zz.boss")
    first, _, last = LONG.partition(" ")
    make_user(
        username="karl", first_name=first, last_name=last, email=f"{last}@{last}.example".lower()
    )
    make_user(username="ada", status="suspended", first_name="Ada", last_name="Number")
    SavedView.objects.create(owner=boss, name="Suspended people", query="status=suspended")
    start(boss, words=f"active accounts at {last}.example that were never seen", phone="1")
    enter(browser_context, boss)
    page.set_viewport_size({"width": 320, "height": 700})
    return page


@pytest.mark.parametrize("path", ["/users/?q=wolfe", "/users/", "/jobs/", "/users/views/"])
def test_no_name_and_no_address_of_a_list_is_cut(phone: Page, path):
    phone.goto(path)
    row = phone.locator(".phone-list tbody tr").first
    expect(row.locator("td").first).to_be_visible()
    assert phone.evaluate(CUT) == []
    assert phone.evaluate("document.documentElement.scrollWidth") == 320
    assert row.bounding_box()["height"] >= 44


def test_status_and_last_seen_stand_in_the_row_and_boxes_are_large(phone: Page):
    phone.goto("/users/?q=ada")
    row = phone.locator(".phone-list tbody tr")
    expect(row.locator(".state")).to_have_text("Suspended")
    name, state = row.locator("a").bounding_box(), row.locator(".state").bounding_box()
    assert abs(name["y"] - state["y"]) < 6
    assert state["x"] + state["width"] > 300
    expect(row.locator(".c-seen")).to_be_visible()
    box = row.locator(".tick").bounding_box()
    assert box["width"] >= 44
    assert box["height"] >= 44
    expect(phone.locator(".pager .says")).to_be_visible()
    row.click(position={"x": 200, "y": 40})
    expect(phone.locator("h1")).to_have_text("Ada Number")


def test_the_names_of_chosen_columns_are_whole(phone: Page):
    phone.goto("/users/columns/")
    phone.locator("#column-phone").check()
    expect(phone.locator("#columns output")).to_have_text("Saved.")
    phone.goto("/users/?q=ada")
    heads = phone.locator(".phone-list thead th").filter(visible=True)
    expect(heads).to_have_text(["Name", "Username", "Email", "Joined", "Last seen"])
    cut = heads.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth)")
    assert cut == []


def test_the_name_of_a_saved_view_is_whole(phone: Page):
    phone.goto("/users/")
    name = phone.locator(".views a").bounding_box()
    strip = phone.locator(".views").bounding_box()
    assert name["x"] + name["width"] <= strip["x"] + strip["width"]


def test_the_navigation_has_words_and_the_current_tab_is_in_view(phone: Page):
    phone.goto("/users/")
    rooms = phone.locator(".rooms a > span:first-of-type")
    names = ["Dashboard", "Directory", "Login doctor", "Audit trail", "Email", "Jobs"]
    expect(rooms).to_have_text([*names, "Imports", "Exports", "Staff"])
    for text, width, height in rooms.evaluate_all(BOXES):
        assert width > 20, text
        assert height > 10, text
    phone.goto("/users/?q=ada")
    phone.locator(".phone-list tbody a").click()
    phone.goto(phone.url + "activity/")
    heights = phone.locator(".tabs a").evaluate_all("(all) => all.map((one) => one.offsetTop)")
    assert len(set(heights)) == 1  # in one line
    box = phone.locator("#tab-activity").bounding_box()
    assert box["x"] + box["width"] <= 320


def test_the_menu_of_more_actions_is_whole_at_each_width(phone: Page):
    widths = (320, 360, 390, 480, 1280)
    phone.goto("/users/selection/?all=1")
    phone.locator("main details.menu summary").click()
    sheet = phone.locator("main .menu-sheet")
    beyond = []
    for width in widths:
        phone.set_viewport_size({"width": width, "height": 700})
        box = sheet.bounding_box()
        if box["x"] < 0 or box["x"] + box["width"] > width:
            beyond.append(width)
    assert beyond == []
