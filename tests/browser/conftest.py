"""What the browser tests share. Everything here needs a browser, and is skipped where none is
found.
"""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext

from users.models import User


@pytest.fixture
def enter(live_server) -> Callable[[BrowserContext, User], None]:
    """Signs an account in, in a browser's profile, without the form."""

    def enter(context: BrowserContext, account: User) -> None:
        client = Client()
        client.force_login(account)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
        )

    return enter


@pytest.fixture
def plain_page(browser, live_server, enter):
    """Makes a tab in which scripts do not run, signed in as an account."""
    contexts = []

    def make(account: User | None = None):
        context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
        contexts.append(context)
        if account:
            enter(context, account)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
