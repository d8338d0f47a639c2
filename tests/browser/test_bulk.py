"""A selection becomes a job and is taken back, without scripts."""

import pytest
from playwright.sync_api import expect

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
    page.get_by_label("Reason").fill("Spam")
    page.get_by_label("Number of accounts").fill("4")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator(".field .error")).to_contain_text("That doesn’t match. Type 3 to confirm.")
    expect(page.get_by_label("Reason")).to_have_value("Spam")
    page.get_by_label("Number of accounts").fill("3")
    page.get_by_role("button", name="Suspend").click()
    expect(page.locator("h1")).to_have_text("Suspend 3 accounts · Job 1")
    assert work(Job.objects.get()).changed == 3
    page.reload()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert work(Job.objects.latest("pk")).changed == 3
    assert User.objects.filter(email_domain="example.org", status="active").count() == 3
