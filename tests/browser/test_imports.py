"""The way in: a file is uploaded, mapped, checked and imported, by keyboard and without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_user
from users.jobs import worker
from users.models import User

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database
PEOPLE = {
    "name": "people.csv",
    "mimeType": "text/csv",
    "buffer": b"Contact,Given\nada@example.org,Ada\nno address,Cy\n",
}


def work() -> None:
    while worker.work_time_slice() is not None:
        pass


def press(page: Page, name: str, role: str = "button") -> None:
    page.get_by_role(role, name=name).press("Enter")


def choose(page: Page, label: str, typed: str) -> None:
    """Chooses an option by its first letters, as a keyboard does."""
    page.get_by_label(label, exact=True).focus()
    page.keyboard.type(typed)


def upload(page: Page) -> None:
    page.goto("/imports/")
    page.get_by_label("File", exact=True).set_input_files(PEOPLE)
    press(page, "Upload file")


def test_the_whole_way_in_by_keyboard_and_without_scripts(plain_page):
    page = plain_page(make_user("Manager"))
    upload(page)
    expect(page.locator("h1")).to_have_text("people.csv")
    press(page, "Check whole file")
    expect(page.locator("[role=alert]").first).to_contain_text("identifies an account")
    choose(page, "Contact", "Email")
    expect(page.get_by_label("Given", exact=True)).to_have_value("first_name")
    press(page, "Update preview")
    expect(page.locator(".preview-rows .state")).to_have_text(["New account", "Rejected"])
    press(page, "Check whole file")
    expect(page.locator(".headline .state")).to_have_text("Queued")
    work()
    press(page, "Refresh", role="link")
    expect(page.locator(".rejected-rows li")).to_contain_text("Line 3")
    page.get_by_role("textbox", name="Reason").fill("Move")
    press(page, "Import 1 row")
    expect(page.locator(".note.success")).to_have_text("Import queued.")
    work()
    press(page, "Refresh", role="link")
    expect(page.locator(".import-counts .created dd")).to_have_text("1")
    assert User.objects.get(email="ada@example.org").first_name == "Ada"
    page.locator("a.crumb").press("Enter")
    expect(page.locator(".imports .state")).to_have_text("Imported")


def test_the_preview_follows_the_form_and_the_page_follows_the_job(page, browser_context, enter):
    enter(browser_context, make_user("Manager"))
    upload(page)
    expect(page.locator(".preview-problems")).to_contain_text("identifies an account")
    # Wait for the scripts: an earlier change would not update the preview.
    page.wait_for_load_state()
    page.get_by_label("Contact", exact=True).select_option("email")
    expect(page.locator(".preview-rows .state")).to_have_text(["New account", "Rejected"])
    page.get_by_label("Combined columns").fill("username = {Contact|loud}")
    expect(page.locator(".preview-problems")).to_contain_text("loud")
    expect(page.get_by_label("Combined columns")).to_be_focused()
    page.get_by_label("Combined columns").fill("username = {Given|slug}.{Contact|slug}")
    expect(page.locator(".preview-rows tbody tr").first).to_contain_text("ada.adaexampleorg")
    page.get_by_role("button", name="Check whole file").click()
    expect(page).to_have_url(re.compile(r"/imports/\d+/$"))
    work()
    expect(page.locator(".rejected-rows li")).to_contain_text("Line 3")
