"""The directory as somebody uses it who types, clicks and presses keys."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import make_user
from users.models import User

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def directory(page: Page, browser_context, enter) -> Page:
    """Open, signed in as a manager, with sixty people in it; `page.loads` counts whole pages."""
    make_people(60)
    enter(browser_context, make_user("Manager", username="zz.boss"))
    page.loads = 0

    def count(_: object) -> None:
        page.loads += 1

    page.goto("/users/?size=25")
    page.on("domcontentloaded", count)
    return page


def first_name(page: Page):
    return page.locator(".list tbody tr").first.locator("td").first


def names(page: Page) -> list[str]:
    return page.locator(".list tbody td:first-child > a").all_inner_texts()


def wait_for_first(page: Page, text: str) -> None:
    expect(first_name(page)).to_contain_text(text)


def test_typing_updates_the_table_and_the_address_without_a_reload(directory: Page):
    directory.locator("#q").press_sequentially("number013", delay=20)
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    expect(directory).to_have_url(re.compile(r"/users/\?q=number013&size=25$"))
    expect(directory.locator("#q")).to_be_focused()
    assert directory.loads == 0
    directory.locator("#q").fill("")
    expect(directory.locator(".list tbody tr")).to_have_count(25)
    expect(directory).to_have_url(re.compile(r"/users/\?size=25$"))


def test_back_and_forward_show_what_the_address_says(directory: Page):
    directory.locator("#q").fill("number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    with directory.expect_event("domcontentloaded"):  # HTMX reloads the page
        directory.go_back()
    expect(directory.locator(".list tbody tr")).to_have_count(25)
    expect(directory.locator("#q")).to_have_value("")
    with directory.expect_event("domcontentloaded"):
        directory.go_forward()
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    expect(directory.locator("#q")).to_have_value("number013")


def test_the_status_applies_at_once_and_keeps_the_rest(directory: Page):
    directory.locator("#q").fill("ada")
    expect(directory).to_have_url(re.compile("q=ada"))
    directory.get_by_label("Status", exact=True).select_option("suspended")
    expect(directory).to_have_url(re.compile(r"\?q=ada&status=suspended&size=25$"))
    expect(directory.locator(".list .state")).to_have_text(["Suspended"] * 2)
    assert directory.loads == 0


def test_a_click_on_a_head_sorts_and_another_one_turns(directory: Page):
    directory.get_by_role("link", name="Username").click()
    wait_for_first(directory, "Number000")
    expect(directory.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    directory.get_by_role("link", name="Username").click()
    wait_for_first(directory, "zz.boss")
    assert directory.loads == 0


def test_pages_turn_by_keyboard_and_by_click(directory: Page):
    everybody = [f"Number{number:03}" for number in range(60)]
    wait_for_first(directory, "zz.boss")
    directory.keyboard.press("n")
    wait_for_first(directory, everybody[24])
    directory.keyboard.press("n")
    wait_for_first(directory, everybody[49])
    directory.keyboard.press("n")  # there is no further page: nothing happens
    directory.keyboard.press("p")
    wait_for_first(directory, everybody[24])
    directory.locator("[data-page=first]").click()
    wait_for_first(directory, "zz.boss")
    directory.locator("[data-page=last]").click()
    wait_for_first(directory, everybody[35])
    expect(directory.locator("[data-page=next]")).to_have_count(0)
    assert directory.loads == 0


def test_rows_are_walked_and_opened_by_keyboard(directory: Page):
    directory.keyboard.press("j")
    directory.keyboard.press("j")
    directory.keyboard.press("j")
    directory.keyboard.press("k")
    expect(directory.locator(".list tbody tr").nth(1).locator("a").first).to_be_focused()
    expected = names(directory)[1]
    directory.keyboard.press("Enter")
    expect(directory.locator("h1")).to_have_text(expected)


def test_a_slash_begins_a_search_and_escape_ends_it(directory: Page):
    directory.keyboard.press("/")
    expect(directory.locator("#q")).to_be_focused()
    directory.keyboard.type("n/j?")  # in the box, keys are letters
    expect(directory.locator("#q")).to_have_value("n/j?")
    directory.keyboard.press("Escape")
    expect(directory.locator("#q")).not_to_be_focused()


def test_a_question_mark_lists_the_keys(directory: Page):
    dialog = directory.locator("#keys")
    expect(dialog).to_be_hidden()
    directory.keyboard.press("?")
    expect(dialog).to_be_visible()
    directory.keyboard.press("n")  # not while the list is open
    directory.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    wait_for_first(directory, "zz.boss")
    directory.keyboard.press("?")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_g_and_a_letter_go_to_a_room(directory: Page):
    directory.clock.set_fixed_time(
        datetime.now(UTC)
    )  # the letter comes within a second, however slow the machine is
    directory.reload()
    doctor = "Why can’t this person sign in?"
    rooms = {"a": "Audit trail", "m": "Your account", "l": doctor, "d": "Directory"}
    for letter, room in rooms.items():
        directory.keyboard.press("g")
        directory.keyboard.press(letter)
        expect(directory.locator("h1")).to_have_text(room)
        directory.wait_for_load_state()
    directory.keyboard.press("i")
    expect(directory.locator("h1")).to_have_text("Invite someone")


def test_after_an_error_in_the_table_the_next_search_finds_its_place(directory: Page):
    hidden = '<input type="hidden" name="sort" value="nonsense" form="filter">'
    directory.locator("#results").evaluate(
        "(it, html) => it.insertAdjacentHTML('beforeend', html)", hidden
    )
    directory.locator("#q").fill("ada")
    expect(directory.locator("#results h1")).to_have_text("This link isn’t valid")
    directory.locator("#q").fill("number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    directory.errors.clear()  # HTMX's own line about the 400


def test_when_the_server_is_away_the_page_says_so_and_recovers(directory: Page):
    directory.context.set_offline(True)
    directory.locator("#q").fill("ada")
    expect(directory.locator("#trouble")).to_be_visible()
    expect(directory.locator(".list tbody tr")).to_have_count(25)
    directory.context.set_offline(False)
    directory.locator("#q").fill("number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    expect(directory.locator("#trouble")).to_be_hidden()
    directory.errors.clear()  # the browser's own line about the lost connection


def test_whoever_is_signed_out_meanwhile_comes_to_the_sign_in_page(directory: Page):
    directory.wait_for_load_state("networkidle")  # the count came too
    User.objects.filter(username="zz.boss").update(session_epoch=7)
    directory.locator("#q").fill("ada")
    expect(directory.locator("h1")).to_have_text("Sign in")
