"""Every page about email with scripts turned off, by keyboard alone: each link, button and field is
reached with the focus, and used with keys.
"""

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from tests.builders import make_user
from tests.campaigns.running import readers, work
from users.mail.models import Message, Suppression
from users.mail.unsubscription import make_token

pytestmark = [pytest.mark.postgresql, pytest.mark.long]  # as in production
ADDRESS = "someone@example.com"


def activate(page: Page, role: str, name: str, heading: str) -> None:
    """Presses Enter on a link or button of the main part, and expects the heading that follows."""
    target = page.get_by_role("main").get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    press(target)
    expect(page.locator("h1")).to_have_text(heading)


def press(target: Locator, key: str = "Enter") -> None:
    """Presses a key on what has the focus: an element that takes none would not get it."""
    assert target.evaluate("node => node.tabIndex") == 0
    target.press(key)


def enter(page: Page, label: str, text: str) -> None:
    # "(optional)" may follow.
    field = page.get_by_role("main").get_by_label(label).first
    field.focus()
    expect(field).to_be_focused()
    page.keyboard.insert_text(text)


def test_every_mail_page_works_by_keyboard_and_without_scripts(plain_page):
    viewer = make_user("Administrator", email_verified_at=timezone.now())
    people = readers(3)
    page = plain_page(viewer)
    visit_tabs(page)
    write_template(page)
    send_campaign(page)
    work()
    control_campaign(page)
    find_messages(page, people[0].email)
    suppress_and_lift(page)
    unsubscribe(page)
    assert Message.objects.filter(kind="test").count() == 2


def visit_tabs(page: Page) -> None:
    page.goto("/mail/")
    headings = {
        "Templates": "Email templates",
        "Outbox": "Outbox",
        "Failed": "Failed emails",
        "Search": "Search emails",
        "Suppressed addresses": "Suppressed addresses",
        "Campaigns": "Email",
    }
    for name, heading in headings.items():
        activate(page, "link", name, heading)


def write_template(page: Page) -> None:
    page.goto("/mail/templates/")
    activate(page, "link", "New template", "New template")
    enter(page, "Name", "Terms")
    enter(page, "Subject", "New terms, {first_name}")
    enter(page, "Text", "Dear {name}, **read** them.")
    activate(page, "button", "Save", "Terms")
    activate(page, "button", "Send test to myself", "Terms")
    activate(page, "button", "Archive", "Email templates")
    activate(page, "link", "Archived templates", "Email templates")
    activate(page, "link", "Terms", "Terms")
    activate(page, "button", "Restore", "Terms")


def send_campaign(page: Page) -> None:
    activate(page, "link", "New campaign", "New campaign")
    enter(page, "Emails per minute", "60")
    activate(page, "button", "Save draft", "Terms")
    activate(page, "link", "Edit", "Edit campaign")
    activate(page, "button", "Save draft", "Terms")
    activate(page, "button", "Send test to myself", "Terms")
    activate(page, "link", "Discard …", "Discard this draft?")
    activate(page, "link", "Keep draft", "Terms")
    activate(page, "link", "Review and send …", "Send “Terms” to 3 of 4 accounts?")
    count = page.get_by_role("main").locator("#id_count")
    count.focus()
    page.keyboard.insert_text("3")
    activate(page, "button", "Send announcement", "Terms")


def control_campaign(page: Page) -> None:
    page.reload()
    activate(page, "button", "Pause", "Terms")
    activate(page, "button", "Resume", "Terms")
    press(page.get_by_role("main").get_by_role("link", name="3", exact=True).first)
    expect(page.locator("h1")).to_have_text("Emails of this campaign")
    expect(page.locator("tbody tr")).to_have_count(3)
    press(page.get_by_label("Status", exact=True), "S")
    press(page.get_by_role("button", name="Filter"))
    expect(page.locator("tbody tr")).to_have_count(0)
    page.go_back()
    activate(page, "link", "Terms", "Terms")
    activate(page, "link", "Cancel …", "Cancel this campaign?")
    activate(page, "button", "Cancel campaign", "Terms")
    expect(page.locator(".headline .state")).to_have_text("Cancelled")


def find_messages(page: Page, address: str) -> None:
    page.goto("/mail/search/")
    enter(page, "Email address", address)
    activate(page, "button", "Search", "Search emails")
    expect(page.locator("tbody tr")).to_have_count(1)


def suppress_and_lift(page: Page) -> None:
    page.goto("/mail/suppressions/")
    activate(page, "link", "Import CSV", "Import suppressed addresses")
    page.goto("/mail/suppressions/")
    activate(page, "link", "Add address", "Suppress an address")
    enter(page, "Email address", ADDRESS)
    enter(page, "Reason", "They asked.")
    activate(page, "button", "Suppress address", "Suppressed addresses")
    enter(page, "Email address", ADDRESS)
    press(page.get_by_role("button", name="Look up"))
    lift = f"Lift suppression {Suppression.objects.get().pk}"
    activate(page, "link", lift, "Lift this suppression?")
    enter(page, "Reason", "They want emails again.")
    activate(page, "button", "Lift suppression", "Suppressed addresses")


def unsubscribe(page: Page) -> None:
    token = make_token(Message.objects.filter(kind="announcement")[0])
    page.goto(f"/unsubscribe/{token}/")
    activate(page, "button", "Unsubscribe", "You have unsubscribed")
