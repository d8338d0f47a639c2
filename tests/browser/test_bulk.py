"""A selection becomes a job and is taken back, without scripts."""

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from users.jobs.models import Job
from users.models import User

pytestmark = pytest.mark.postgresql  # as in production


def test_accounts_are_suspended_together_and_come_back(plain_page):
    root = make_superuser()
    for number in range(3):
        make_user(email=f"p{number}@example.org")
    page = plain_page(root)
    page.goto("/users/selection/?all=1&domain=example.org")
    page.get_by_role("link", name="Suspend").click()
    expect(page.locator("h1")).to_have_text("Suspend 3 accounts?")
    expect(page.get_by_label("Until")).to_be_visible()
    page.get_by_label("Reason", exact=True).fill("Spam")
    page.get_by_label("Number of accounts").fill("4")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator(".field .error")).to_contain_text("That doesn’t match. Type 3 to confirm.")
    expect(page.get_by_label("Reason", exact=True)).to_have_value("Spam")
    page.get_by_label("Number of accounts").fill("3")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator("h1")).to_contain_text("Suspend 3 accounts · Job ")
    assert work(Job.objects.get()).changed == 3
    page.reload()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert work(Job.objects.latest("pk")).changed == 3
    assert User.objects.filter(email_domain="example.org", status="active").count() == 3


def test_a_time_is_asked_for_only_if_it_is_chosen(page: Page, browser_context, enter):
    enter(browser_context, make_superuser())
    page.goto(f"/users/bulk/suspension/?ids={make_user().pk}")
    until = page.get_by_label("Until")
    expect(until).to_be_hidden()
    page.get_by_text("Unpaid invoice:").click()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("Unpaid invoice: ")
    page.get_by_label("Duration").select_option("until")
    until.fill("2999-01-31T12:30")
    page.get_by_label("Duration").select_option("7")
    expect(until).to_be_hidden()
    page.get_by_label("Number of accounts").fill("1")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator("h1")).to_contain_text("Suspend 1 account until")
