"""Where one was: list, ticks, focus and typed text are found again, in a real browser."""

import json
import re

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.people import make_people
from tests.builders import PASSWORD, make_user
from users.models import User
from users.sessions.models import Session

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def directory(page: Page, browser_context, enter) -> Page:
    make_people(60)
    boss = make_user("Manager", username="zz.boss", first_name="Boss", password=PASSWORD)
    enter(browser_context, boss)
    page.goto("/users/?size=25")
    expect(page.locator("#count")).to_contain_text("61")
    return page


# What the page does by itself every fifteen seconds.
LOOK = "document.querySelector('#presence [hx-get]').dispatchEvent(new Event('look'))"
SESSION_ENDED = """document.body.dispatchEvent(new CustomEvent("htmx:beforeOnLoad", {
    bubbles: true, detail: {xhr: {status: 401, getResponseHeader: () => null}}}))"""


def heading(page: Page):
    return page.locator("#found")


def sign_in(page: Page) -> None:
    page.fill("[name=login]", "zz.boss")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


# --- the search -----------------------------------------------------------------------------------


def test_escape_in_the_search_leaves_box_and_list_as_they_agree(directory: Page):
    directory.locator("#q").fill("number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    directory.locator("#q").press("Escape")
    expect(heading(directory)).to_be_focused()
    expect(directory.locator("#q")).to_have_value("number013")
    expect(directory.locator(".list tbody tr")).to_have_count(1)
    directory.keyboard.press("j")
    expect(directory.locator(".list tbody td:first-child a")).to_be_focused()


# --- ways back ------------------------------------------------------------------------------------


def test_the_crumb_leads_back_to_filter_and_page_and_the_opened_row(directory: Page):
    directory.goto("/users/?status=active&size=25")
    directory.locator("[data-page=next]").click()
    expect(directory).to_have_url(re.compile(r"\?status=active&size=25&after="))
    where = directory.url
    row = directory.locator(".list tbody td:first-child a").nth(3)
    name = row.inner_text()
    row.click()
    expect(directory.locator("h1")).to_have_text(name)
    directory.get_by_role("link", name="Access", exact=True).click()
    expect(directory).to_have_url(re.compile("/access/$"))
    directory.get_by_role("link", name="Directory", exact=True).last.click()
    expect(directory).to_have_url(where)
    expect(directory.locator(".list tbody td:first-child a").nth(3)).to_be_focused()


def test_the_list_is_found_again_after_a_save(directory: Page):
    directory.locator("#q").fill("number013")
    expect(directory).to_have_url(re.compile("q=number013"))
    where = directory.url
    directory.locator(".list tbody td:first-child a").click()
    directory.get_by_role("link", name="Suspend").first.click()
    directory.get_by_role("textbox", name="Reason").fill("Test")
    directory.get_by_role("button", name="Suspend").click()
    expect(directory.get_by_role("status").first).to_contain_text("suspended")
    directory.get_by_role("link", name="Directory", exact=True).last.click()
    expect(directory).to_have_url(where)
    directory.goto("/users/new/")
    expect(directory.get_by_role("link", name="Cancel")).to_have_attribute(
        "href", where.removeprefix(where.split("/users/")[0])
    )


def test_another_tab_has_its_own_way_back(directory: Page):
    directory.goto("/users/?status=suspended")
    other = directory.context.new_page()
    other.goto("/users/new/")
    expect(other.get_by_role("link", name="Cancel")).to_have_attribute("href", "/users/")


# --- ticks ----------------------------------------------------------------------------------------


def tick(page: Page, *rows: int) -> None:
    for row in rows:
        page.locator("input[form=selection]").nth(row).check()


def test_ticks_last_over_pages_searches_and_the_review(directory: Page):
    tick(directory, 1, 2)
    expect(directory.locator("#ticked")).to_have_text("2 selected")
    directory.locator("[data-page=next]").click()
    expect(directory.locator("#ticked")).to_have_text("2 selected, 2 on other pages")
    expect(directory.locator("#selection")).to_be_visible()
    tick(directory, 0)
    expect(directory.locator("#ticked")).to_have_text("3 selected, 2 on other pages")
    directory.locator("#q").fill("number001")
    expect(directory.locator("input[form=selection]")).to_have_count(1)
    expect(directory.locator("input[form=selection]")).to_be_checked()
    expect(directory.locator("#ticked")).to_have_text("3 selected, 2 on other pages")
    directory.get_by_role("button", name="Review selection").click()
    expect(directory.locator("h1")).to_have_text("3 accounts selected")
    directory.get_by_role("link", name="Back", exact=True).click()
    expect(directory).to_have_url(re.compile("q=number001"))
    expect(directory.locator("#ticked")).to_have_text("3 selected, 2 on other pages")
    directory.go_back()
    directory.go_back()
    expect(directory.locator("#ticked")).to_contain_text("3 selected")
    directory.get_by_role("button", name="Clear").click()
    expect(directory.locator("#selection")).to_be_hidden()
    directory.reload()
    expect(directory.locator("#selection")).to_be_hidden()


def test_ticks_end_with_the_job_that_they_become_and_with_the_person(directory: Page):
    tick(directory, 1, 2)
    directory.get_by_role("button", name="Review selection").click()
    directory.get_by_role("link", name="Suspend").first.click()
    directory.get_by_role("textbox", name="Reason").fill("Test")
    directory.get_by_label("Number of accounts").fill("2")
    directory.get_by_role("button", name="Suspend").click()
    expect(directory).to_have_url(re.compile(r"/jobs/\d+/$"))
    directory.wait_for_load_state()  # its script forgets the ticks
    directory.goto("/users/")
    expect(directory.locator("#selection")).to_be_hidden()
    tick(directory, 1)
    directory.get_by_role("link", name="Sign out").click()
    expect(directory.locator("h1")).to_have_text("Sign in")
    kept = directory.evaluate("Object.keys(sessionStorage)")
    assert not {"list", "selection", "opened", "typed"} & set(kept)


def test_more_ticks_than_a_selection_takes_are_said_to_be_too_many(directory: Page):
    ids = [str(number) for number in range(1, 101)]
    held = json.dumps({"viewer": "Boss", "value": ids})
    directory.evaluate("held => sessionStorage.setItem('selection', held)", held)
    directory.reload()
    tick(directory, 0)
    expect(directory.locator("#ticked")).to_contain_text("at most 100")
    review = directory.get_by_role("button", name="Review selection")
    expect(review).to_be_disabled()
    directory.locator("input[form=selection]").first.uncheck()
    expect(review).to_be_enabled()


# --- the focus ------------------------------------------------------------------------------------


def test_the_focus_stays_on_the_control_or_goes_to_the_heading(directory: Page):
    directory.locator("#sort-username").focus()
    directory.keyboard.press("Enter")
    expect(directory.locator("th[aria-sort] a")).to_have_attribute("id", "sort-username")
    expect(directory.locator("#sort-username")).to_be_focused()
    directory.locator("[data-page=next]").focus()
    directory.keyboard.press("Enter")
    expect(directory.locator("[data-page=previous]")).to_have_count(1)
    expect(directory.locator("[data-page=next]")).to_be_focused()
    directory.keyboard.press("Enter")
    expect(directory.locator("[data-page=next]")).to_have_count(0)
    expect(heading(directory)).to_be_focused()


def test_keys_that_turn_pages_lead_to_the_list(directory: Page):
    directory.keyboard.press("n")
    expect(directory.locator("[data-page=previous]")).to_have_count(1)
    expect(directory.locator("[data-page=next]")).to_be_focused()
    directory.locator("#q").focus()
    directory.keyboard.press("Escape")
    directory.keyboard.press("p")
    expect(directory.locator("[data-page=previous]")).to_have_count(0)
    expect(heading(directory)).to_be_focused()


def test_the_filter_panel_works_by_keyboard(directory: Page):
    directory.locator("#add-filter").focus()
    directory.keyboard.press("Enter")
    expect(directory.locator("#filter-group")).to_be_focused()
    directory.keyboard.press("Escape")
    expect(directory.locator("#panel form")).to_have_count(0)
    expect(directory.locator("#add-filter")).to_be_focused()
    directory.keyboard.press("Enter")
    directory.locator("#filter-joined_from").fill("yesterday")
    directory.locator("#filter-verified").select_option("no")
    directory.locator("#filter-joined_from").press("Enter")
    wrong = directory.locator("#filter-joined_from")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(directory).to_have_title("Error: Directory · Rollcall")
    expect(directory).to_have_url(re.compile(r"/users/\?size=25$"))
    expect(directory.locator("#filter-verified")).to_have_value("no")
    wrong.fill("-30d")
    wrong.press("Enter")
    expect(directory).to_have_url(re.compile("verified=no&joined_from=-30d"))
    expect(directory).to_have_title("Directory · Rollcall")
    expect(heading(directory)).to_be_focused()
    directory.locator(".chips a").first.focus()
    directory.keyboard.press("Enter")
    expect(directory.locator(".chips a[title]")).to_have_count(1)
    expect(heading(directory)).to_be_focused()


def test_the_focus_stays_where_a_part_of_a_page_is_replaced(directory: Page):
    person = User.objects.get(username="person001")
    directory.goto(f"/users/{person.pk}/")
    tab = directory.get_by_role("link", name="Access", exact=True)
    tab.focus()
    directory.keyboard.press("Enter")
    expect(directory).to_have_url(re.compile("/access/$"))
    expect(tab).to_be_focused()
    directory.goto("/users/columns/")
    box = directory.locator("#column-phone")
    box.focus()
    directory.keyboard.press("Space")
    expect(directory.locator("#columns output")).to_have_text("Saved.")
    expect(box).to_be_focused()


def test_the_page_of_all_filters_works_with_scripts(directory: Page):
    directory.goto("/users/filters/")
    directory.locator("#filter-status").select_option("suspended")
    directory.get_by_role("button", name="Apply").click()
    expect(directory).to_have_url(re.compile(r"/users/\?.*status=suspended"))
    expect(directory.locator(".list .state").first).to_have_text("Suspended")


def test_a_mistyped_word_in_the_search_is_marked_in_the_box(directory: Page):
    directory.locator("#q").fill("status:actve")
    expect(directory.locator("#q-error")).to_contain_text("“actve” is not a valid value")
    expect(directory.locator("#q")).to_have_attribute("aria-invalid", "true")
    directory.locator("#q").fill("status:active")
    expect(directory.locator("#q-error")).to_have_count(0)
    expect(directory.locator("#q")).not_to_have_attribute("aria-invalid", "true")


def test_a_form_with_errors_begins_at_the_first_one(directory: Page):
    directory.goto("/users/new/")
    directory.get_by_label("Username").fill("ok.name")
    directory.get_by_label("Email").fill("a@b@c")
    directory.evaluate("document.querySelector('main form').noValidate = true")
    directory.get_by_role("button", name="Send invitation").click()
    expect(directory.get_by_label("Email")).to_be_focused()
    expect(directory).to_have_title("Error: Invite · Rollcall")


# --- a session that ends --------------------------------------------------------------------------


@pytest.fixture
def person(directory) -> User:
    return User.objects.get(username="person001")


def test_a_form_that_is_open_stays_open_and_its_text_comes_back(directory: Page, person):
    path = f"/users/{person.pk}/edit/"
    directory.goto(path)
    directory.get_by_label("Last name").fill("Typed")
    Session.objects.all().delete()
    with directory.expect_response(lambda answer: answer.status == 401):
        directory.evaluate(
            "document.querySelector('#presence [hx-get]').dispatchEvent(new Event('look'))"
        )
    notice = directory.locator("#place-notice")
    expect(notice).to_contain_text("Your session has ended.")
    expect(directory.get_by_label("Last name")).to_have_value("Typed")
    notice.get_by_role("link").click()
    sign_in(directory)
    expect(directory).to_have_url(re.compile(f"{path}$"))
    expect(directory.get_by_label("Last name")).to_have_value("Typed")
    expect(notice).to_contain_text("not saved yet")
    directory.get_by_role("button", name="Save").click()
    expect(directory.locator("h1")).to_contain_text("Typed")


def test_a_form_that_is_sent_comes_back_at_its_own_address(directory: Page, person):
    path = f"/users/{person.pk}/suspension/"
    directory.goto(path)
    directory.get_by_role("textbox", name="Reason").fill("Told by “Ben”")
    Session.objects.all().delete()
    directory.evaluate(SESSION_ENDED)  # which keeps what is typed too
    directory.get_by_role("button", name="Suspend").click()
    expect(directory.locator("h1")).to_have_text("Sign in")
    sign_in(directory)
    expect(directory.get_by_role("textbox", name="Reason")).to_have_value("Told by “Ben”")
    expect(directory).to_have_url(re.compile(f"{path}$"))
    expect(directory.locator(".note.warning")).to_have_count(1)
    directory.get_by_role("button", name="Suspend").click()
    expect(directory.get_by_role("status").first).to_contain_text("suspended")
    person.refresh_from_db()
    assert person.status_reason == "Told by “Ben”"


def test_a_letter_survives_its_preview(directory: Page, person):
    User.objects.filter(pk=person.pk).update(email_verified_at=timezone.now())
    directory.goto(f"/users/{person.pk}/letter/")
    directory.get_by_label("Subject").fill("Hello")
    Session.objects.all().delete()
    with directory.expect_response(lambda answer: answer.status == 401):
        directory.get_by_label("Text", exact=True).fill("Dear {name}")
    expect(directory.locator("#place-notice")).to_be_visible()
    expect(directory.locator("#sample")).to_be_visible()
    directory.locator("#place-notice a").click()
    sign_in(directory)
    expect(directory.get_by_label("Text", exact=True)).to_have_value("Dear {name}")
    expect(directory.get_by_label("Subject")).to_have_value("Hello")
    # The token of a form is stale once somebody has signed in again in another tab.
    directory.evaluate("document.querySelector('.letter input').value = 'x'.repeat(64)")
    with directory.expect_response(lambda answer: answer.status == 200):
        directory.get_by_label("Text", exact=True).fill("Dear all")
    expect(directory.locator("#sample")).to_contain_text("Dear all")
    directory.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    with directory.expect_response(lambda answer: answer.status == 403):
        directory.get_by_label("Text", exact=True).fill("Dear both")
    expect(directory.locator("#place-notice")).to_contain_text("Your session has changed.")
    expect(directory.locator("#sample")).to_contain_text("Dear all")
    directory.locator("#place-notice a").click()
    expect(directory.get_by_label("Text", exact=True)).to_have_value("Dear both")


def test_passwords_are_never_kept(directory: Page):
    # A request that succeeds meanwhile would remove the notice.
    directory.goto("/me/password/", wait_until="networkidle")
    directory.get_by_label("Current password").fill("s3cret-one")
    directory.evaluate(SESSION_ENDED)
    expect(directory.locator("#place-notice")).to_be_visible()
    assert "s3cret" not in directory.evaluate("JSON.stringify(sessionStorage)")
    Session.objects.all().delete()
    directory.get_by_label("New password").fill("s3cret-two")
    directory.get_by_label("Confirm password").fill("s3cret-two")
    directory.get_by_role("button", name="Change password").click()
    expect(directory.locator("h1")).to_have_text("Sign in")
    assert "s3cret" not in directory.content()


def test_a_field_edited_in_its_place_comes_back_on_its_page(directory: Page, person):
    directory.goto(f"/users/{person.pk}/")
    directory.get_by_role("link", name="Edit phone", exact=True).click()
    directory.locator("#fact-phone input[name=phone]").fill("+49301234567")
    Session.objects.all().delete()
    directory.keyboard.press("Enter")
    expect(directory.locator("h1")).to_have_text("Sign in")
    sign_in(directory)
    expect(directory.locator("h1")).to_have_text("Edit phone")
    expect(directory.get_by_label("Phone")).to_have_value("+49301234567")


def test_a_field_that_meets_an_error_of_the_server_stays_open(directory: Page, person):
    directory.goto(f"/users/{person.pk}/")
    directory.get_by_role("link", name="Edit phone", exact=True).click()
    field = directory.locator("#fact-phone input[name=phone]")
    field.fill("+49301234567")
    directory.route("**/edit/phone/", lambda route: route.fulfill(status=503, body="<p>away</p>"))
    directory.keyboard.press("Enter")
    expect(directory.locator("#place-notice")).to_contain_text("Not saved")
    expect(field).to_have_value("+49301234567")
    directory.unroute("**/edit/phone/")
    field.press("Enter")
    expect(directory.locator("#fact-phone dd")).to_contain_text("+49 30 1234567")
    expect(directory.locator("#place-notice")).to_have_count(0)
