"""One field of an account, edited in its place with the keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import show, too_wide, violations
from tests.builders import make_superuser, make_user
from users.models import User
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def ada(browser_context, enter):
    enter(browser_context, make_user("Support"))
    return make_user(username="ada", first_name="Ada", phone="+123")


def link(page: Page, label: str):
    return page.get_by_role("link", name=f"Edit {label}", exact=True)


def test_enter_saves_and_the_focus_returns_to_the_link(page: Page, ada):
    page.goto(f"/users/{ada.pk}/")
    link(page, "first name").focus()
    page.keyboard.press("Enter")
    expect(
        page.get_by_label("First name", exact=True).locator("visible=true").first
    ).to_be_visible()
    expect(page.locator("#fact-first_name input[name=first_name]")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Augusta")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("First name: Saved.")
    expect(link(page, "first name")).to_be_focused()
    expect(page.locator("h1")).to_have_text("Augusta")
    expect(page.locator("#recent .what").first).to_have_text("Edited")
    assert page.url.endswith(f"/users/{ada.pk}/")
    assert User.objects.get(pk=ada.pk).first_name == "Augusta"


def test_escape_cancels_and_the_focus_returns_to_the_link(page: Page, ada):
    page.goto(f"/users/{ada.pk}/")
    link(page, "phone").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#fact-phone input[name=phone]")).to_be_focused()
    page.keyboard.type("999")
    page.keyboard.press("Escape")
    expect(link(page, "phone")).to_be_focused()
    expect(page.locator("#fact-phone dd")).to_contain_text("+1 23")
    assert User.objects.get(pk=ada.pk).version == 1


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_errors_and_choices_stand_beside_the_field(page: Page, ada, scheme, width):
    show(page, scheme, width)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.goto(f"/users/{ada.pk}/")
    link(page, "phone").click()
    control = page.locator("#fact-phone input[name=phone]")
    control.fill("call me")
    found = violations(page) + too_wide(page)
    page.keyboard.press("Enter")
    expect(page.locator("#fact-phone .error")).to_contain_text("phone number")
    expect(control).to_be_focused()
    expect(control).to_have_value("call me")
    found += violations(page) + too_wide(page)
    edit_profile(ada, by=make_superuser(first_name="Ana"), version=1, phone="+789")
    control.fill("+456")
    page.keyboard.press("Enter")
    expect(page.locator("#fact-phone .value")).to_have_text(["+7 89", "+456", "+1 23"])
    found += violations(page) + too_wide(page)
    expect(page.get_by_label("Theirs")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#fact-phone dd")).to_contain_text("+456")
    expect(link(page, "phone")).to_be_focused()
    assert User.objects.get(pk=ada.pk).phone == "+456"
    assert found == []
    # The browser itself notes the status of the two answers that were no success.
    status = "error: Failed to load resource"
    errors = [text for text in said if text.startswith("error:") and not text.startswith(status)]
    assert errors == []


def test_what_is_typed_in_one_field_stays_while_another_is_saved(page: Page, ada):
    page.goto(f"/users/{ada.pk}/")
    link(page, "last name").click()
    page.locator("input[name=last_name]").fill("Lovelace")
    link(page, "phone").click()
    page.locator("input[name=phone]").fill("+456")
    page.locator("#fact-phone").get_by_role("button", name="Save").click()
    expect(link(page, "phone")).to_be_focused()
    expect(page.locator("input[name=last_name]")).to_have_value("Lovelace")
    page.locator("input[name=last_name]").press("Enter")
    expect(page.locator("#fact-last_name small")).to_contain_text(
        "Saved. Meanwhile you changed the phone"
    )


def test_without_scripts_the_link_leads_to_a_page(plain_page, ada):
    page = plain_page(make_user("Support"))
    page.goto(f"/users/{ada.pk}/")
    link(page, "phone").click()
    expect(page.locator("h1")).to_have_text("Edit phone")
    page.get_by_label("Phone").fill("+456")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Profile of Ada saved.")
    assert User.objects.get(pk=ada.pk).phone == "+456"
