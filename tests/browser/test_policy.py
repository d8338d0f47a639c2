"""Chromium reports no violation of the content security policy, and no error, on any page."""

import pytest
from django.test import Client
from playwright.sync_api import Page

from tests.discovery import discover, parameter_names, route_of
from tests.every_page import fill_site

# Of the browser, and not of the database.
pytestmark = [pytest.mark.sqlite, pytest.mark.long(30), pytest.mark.django_db(transaction=True)]

# Runs before any script of a page, so that its first violation is seen as well.
LISTENER = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI || "inline"}`);
});
"""
STRANGER_PAGES = ["/login/", "/password/reset/", "/password/reset/sent/", "/signup/", "/inactive/"]


def visit_page(page: Page, url: str) -> list[str]:
    """Returns what the browser reports about the page. A file is loaded and not shown."""
    page.errors.clear()  # type: ignore[attr-defined]
    page.goto(url, wait_until="load")
    found: list[str] = page.evaluate("window.violations")
    found += [error for error in page.errors if "status of" not in error]  # type: ignore[attr-defined]
    return [f"{url}: {each}" for each in found]


def one_of_a_kind(urls: set[str]) -> list[str]:
    """Returns a URL for each route and set of parameters."""
    kinds: dict[tuple[str, tuple[str, ...]], str] = {}
    for url in sorted(urls):
        kinds.setdefault((route_of(url), parameter_names(url)), url)
    return list(kinds.values())


def test_no_page_breaks_the_policy(page, browser_context, enter, person):
    site = fill_site(person)
    page.add_init_script(LISTENER)
    faults = []
    for url in STRANGER_PAGES:
        faults += visit_page(page, url)
    root = site.viewers["superuser"]
    client = Client()
    client.force_login(root)
    found = discover(client, "/", "/me/", "/sudo/", "/audit/?action=account.suspended", most=1)
    urls = one_of_a_kind(found.shown)
    routes = {route_of(url).partition("/")[0] for url in urls}
    assert {"users", "staff", "sudo", "me", "audit", "mail", "imports", "exports"} <= routes
    assert len(urls) > 100
    enter(browser_context, root)
    for url in urls:
        faults += visit_page(page, url)
    assert faults == [], "\n".join(faults)


def test_a_violation_would_be_seen(page):
    page.add_init_script(LISTENER)
    page.goto("/login/")
    page.evaluate("document.body.setAttribute('onclick', 'x()'); document.body.click()")
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://x.example/'}))")
    page.wait_for_function("window.violations.length > 0")
    assert "img-src" in " ".join(page.evaluate("window.violations"))
    page.errors.clear()
