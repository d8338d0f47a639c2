"""Everything with scripts turned off: forms have their buttons, and everything else is a link."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import PASSWORD, make_user
from users.models import User

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def directory(plain_page) -> Page:
    make_people(60)
    page = plain_page(make_user("Administrator", username="zz.boss"))
    page.goto("/users/?size=25")
    return page


def first_row(page: Page):
    return page.locator(".list tbody tr").first


def test_signing_in_and_out(plain_page, live_server):
    make_user("Viewer", username="ada", password=PASSWORD)
    page = plain_page()
    page.goto("/users/")
    page.get_by_label("Username or email").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Directory")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("Sign in")


def test_searching_and_filtering_with_the_button(directory: Page):
    directory.locator("#q").fill("ada")
    directory.get_by_label("Status", exact=True).select_option("suspended")
    directory.get_by_role("button", name="Search").click()
    expect(directory).to_have_url(re.compile(r"q=ada.*status=suspended"))
    expect(directory.locator(".list .state")).to_have_text(["Suspended"] * 2)
    expect(directory.locator(".sizes strong")).to_have_text(
        "25"
    )  # the form brings the order and the size along
    directory.go_back()
    expect(directory.locator(".list tbody tr")).to_have_count(25)


def test_sorting_and_paging_by_links(directory: Page):
    directory.get_by_role("link", name="Username").click()
    expect(first_row(directory)).to_contain_text("Number000")
    directory.get_by_role("link", name="Next", exact=True).click()
    expect(first_row(directory)).to_contain_text("Number025")
    directory.get_by_role("link", name="Last", exact=True).click()
    expect(first_row(directory)).to_contain_text("Number036")
    directory.get_by_role("link", name="Previous", exact=True).click()
    expect(first_row(directory)).to_contain_text("Number011")
    directory.get_by_role("link", name="First", exact=True).click()
    expect(first_row(directory)).to_contain_text("Number000")
    directory.get_by_role("link", name="50", exact=True).click()
    expect(directory.locator(".list tbody tr")).to_have_count(50)


def test_an_account_is_edited_suspended_and_reinstated(directory: Page):
    directory.get_by_role("link", name="Ada Number000").click()
    directory.get_by_role("link", name="Edit", exact=True).click()
    directory.get_by_label("First name").fill("Augusta")
    directory.get_by_role("button", name="Save").click()
    expect(directory.locator("h1")).to_have_text("Augusta Number000")
    directory.get_by_role("link", name="Suspend").click()
    directory.get_by_role("textbox", name="Reason").fill("Spam")
    directory.get_by_label("Until").fill("2999-01-31T12:30")
    directory.get_by_role("button", name="Suspend").click()
    expect(directory.locator(".headline .state")).to_have_text("Suspended")
    expect(directory.locator(".note.warning")).to_contain_text(
        re.compile(r"until 31 Jan 2999, 12:30 UTC\s+by\s+.*,\s+today\s+Spam")
    )
    directory.get_by_role("link", name="Reinstate").click()
    directory.get_by_role("button", name="Reinstate").click()
    expect(directory.locator(".note.success")).to_contain_text("reinstated. Status: invited.")
    assert User.objects.get(username="person000").first_name == "Augusta"


def test_somebody_is_invited_with_a_role(directory: Page):
    directory.get_by_role("link", name="Invite").click()
    directory.get_by_label("Email").fill("new@example.com")
    directory.get_by_label("Username").fill("new.person")
    directory.get_by_label("Support").check()
    directory.get_by_label("Staff").check()
    directory.get_by_label("Reason").fill("Joins the team")
    directory.get_by_role("button", name="Send invitation").click()
    expect(directory.locator("h1")).to_have_text("new.person")
    expect(directory.locator(".facts .tag").last).to_have_text("Support")


def test_nothing_on_the_page_waits_for_a_script(directory: Page):
    expect(directory.get_by_role("button", name="Search")).to_be_visible()
    expect(directory.locator("#keys")).to_be_hidden()


def test_a_verb_from_the_menu_with_a_reason_from_the_list(plain_page):
    ada = make_user(username="ada", first_name="Ada")
    page = plain_page(make_user("Administrator"))
    page.goto(f"/users/{ada.pk}/")
    expect(page.get_by_role("link", name="Delete")).to_be_hidden()
    page.locator("summary", has_text="More").press("Enter")
    page.get_by_role("link", name="Delete").press("Enter")
    expect(page.get_by_role("region", name="Impact")).to_contain_text("None open")
    page.get_by_role("link", name="Test account.").click()
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("Test account.")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".headline .state")).to_have_text("Deleted")
    expect(page.locator("p.note.error")).to_contain_text("Test account.")
    page.get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".headline .state")).to_have_text("Active")
    assert User.objects.get(pk=ada.pk).status == "active"
