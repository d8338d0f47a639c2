"""Jobs and the audit trail are filtered as soon as a filter is changed."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_superuser, make_user
from tests.jobs.kinds import start
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.sqlite  # of the browser, and not of the database


def test_jobs_and_events_are_filtered_at_once(page: Page, browser_context, enter):
    root = make_superuser()
    start(root)
    ada = make_user(username="ada")
    edit_profile(ada, by=root, version=1, phone="+4915112345678")
    enter(browser_context, root)
    page.goto("/jobs/")
    expect(page.get_by_role("button", name="Filter")).to_be_hidden()
    page.locator("#job-state").focus()
    page.locator("#job-state").select_option("done")
    expect(page.locator("h2").first).to_have_text("No matching jobs")
    expect(page).to_have_url(re.compile(r"/jobs/\?state=done$"))
    expect(page.locator("#job-state")).to_be_focused()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".jobs tbody tr")).to_have_count(1)
    page.goto("/audit/")
    page.get_by_label("Affected account").fill(str(root.pk))
    page.get_by_label("Affected account").press("Enter")
    expect(page).to_have_url(re.compile(rf"/audit/\?target={root.pk}$"))
    expect(page.locator(".events > li")).to_have_count(0)
    page.get_by_label("Affected account").fill("ada")
    page.get_by_label("Affected account").press("Enter")
    expect(page).to_have_url(re.compile(rf"/audit/\?target={ada.pk}$"))
    expect(page.locator(".events > li")).to_have_count(1)
    page.get_by_role("link", name="Filter", exact=True).click()
    page.get_by_label("Field changed").select_option("phone")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(rf"/audit/\?target={ada.pk}&field=phone$"))
    expect(page.locator(".events > li")).to_have_count(1)
    page.get_by_role("link", name="Field: phone").click()
    expect(page).to_have_url(re.compile(rf"/audit/\?target={ada.pk}$"))
    page.get_by_label("Affected account").fill("nobody")
    page.get_by_label("Affected account").press("Enter")
    expect(page.locator("#target")).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_title(re.compile("^Error: "))
    page.errors.clear()  # HTMX's own line about the 422
