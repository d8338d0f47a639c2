"""Two people who have one account open, in two browsers."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_looks import show, too_wide, violations
from tests.builders import make_user
from tests.processes import until
from users.presence.models import Presence

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


@pytest.fixture
def ana(browser, live_server, enter):
    """A colleague's tab, in a browser of their own."""
    context = browser.new_context(base_url=live_server.url)
    enter(context, make_user("Support", first_name="Ana"))
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_two_people_see_each_other_and_what_the_other_does(
    page: Page, browser_context, enter, ana: Page, scheme, width
):
    ada = make_user(username="ada", first_name="Ada")
    enter(browser_context, make_user("Support", first_name="Bo"))
    show(page, scheme, width)
    page.clock.install()
    ana.goto(f"/users/{ada.pk}/edit/")
    page.goto(f"/users/{ada.pk}/")
    page.clock.run_for(1000)
    expect(page.locator("#presence")).to_have_text("Editing: Ana")
    assert page.evaluate("document.activeElement === document.body")
    ana.reload()
    expect(ana.locator("#presence")).to_have_text("Also viewing: Bo")
    ana.get_by_label("Phone").fill("12345")
    ana.get_by_role("button", name="Save").click()
    expect(ana.get_by_role("status")).to_contain_text("Profile of Ada saved.")
    page.clock.run_for(15_000)
    expect(page.locator("#presence .news")).to_contain_text("Ana changed the phone")
    found = violations(page) + too_wide(page)
    page.locator("#presence").get_by_role("link", name="show").click()
    expect(page.locator("#fact-phone")).to_contain_text("12345")
    page.clock.run_for(1000)
    # Her form was left when it was saved.
    expect(page.locator("#presence")).to_have_text("Also viewing: Ana")
    expect(page.locator("#presence .news")).to_have_count(0)
    assert found == []
    ana.goto("/users/")
    until(lambda: Presence.objects.count() == 1)  # Playwright does not see the last request
    page.clock.run_for(15_000)
    expect(page.locator("#presence")).to_have_text("")


def test_a_tab_that_nobody_looks_at_does_not_ask(page: Page, browser_context, enter):
    ada = make_user(username="ada")
    enter(browser_context, make_user("Support"))
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if "/presence/" in request.url else None,
    )
    page.clock.install()
    page.goto(f"/users/{ada.pk}/")
    page.clock.run_for(1000)
    expect(page.locator("#presence [hx-trigger=look]")).to_have_count(1)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.run_for(60_000)
    assert len(asked) == 1
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    with page.expect_response("**/presence/**"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    with page.expect_response("**/presence/**"):
        page.clock.run_for(15_000)


def test_a_field_that_is_edited_in_its_place_is_a_form_too(
    page: Page, browser_context, enter, ana: Page
):
    ada = make_user(username="ada")
    enter(browser_context, make_user("Support"))
    ana.goto(f"/users/{ada.pk}/")
    expect(ana.locator("#presence [hx-trigger=look]")).to_have_count(1)
    ana.get_by_role("link", name="Edit phone").click()
    expect(ana.locator("input[name=phone]")).to_be_focused()
    with ana.expect_response("**/presence/**"):
        ana.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.goto(f"/users/{ada.pk}/")
    expect(page.locator("#presence")).to_have_text("Editing: Ana")
    with ana.expect_response("**/presence/**"):
        ana.get_by_role("button", name="Save").click()
    with page.expect_response("**/presence/**"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#presence")).to_have_text("Also viewing: Ana")


def test_a_session_that_has_ended_is_told_by_the_next_look_and_the_page_stays(
    page: Page, browser_context, enter
):
    ada = make_user(username="ada")
    agent = make_user("Support")
    enter(browser_context, agent)
    page.clock.install()
    page.goto(f"/users/{ada.pk}/")
    page.clock.run_for(1000)
    expect(page.locator("#presence [hx-trigger=look]")).to_have_count(1)
    type(agent).objects.filter(pk=agent.pk).update(session_epoch=5)
    page.clock.run_for(15_000)
    notice = page.locator("#place-notice")
    expect(notice).to_contain_text("Your session has ended.")
    assert page.url.endswith(f"/users/{ada.pk}/")
    link = notice.get_by_role("link", name="Sign in again")
    expect(link).to_have_attribute("href", f"/login/?next=%2Fusers%2F{ada.pk}%2F")
