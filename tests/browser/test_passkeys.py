"""A passkey in a real browser, with Chromium's virtual authenticator: added, then used to sign in
as the only step and as the second one.
"""

from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator

from tests.builders import PASSWORD, make_user
from tests.factors.factors import give_app
from users.sessions.models import SignInEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.sqlite]


@pytest.fixture
def page(browser, live_server, settings):
    """Yields a tab at http://localhost, since an IP address can't have passkeys."""
    settings.SITE_URL = live_server.url.replace("127.0.0.1", "localhost")
    settings.SITE_PARTS = urlsplit(settings.SITE_URL)
    settings.CSRF_TRUSTED_ORIGINS = [settings.SITE_URL]
    context = browser.new_context(base_url=settings.SITE_URL)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()


def type_password(page) -> None:
    page.goto("/login/")
    page.get_by_label("Username or email").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_and_signs_in_alone_and_after_the_password(page):
    ada = make_user("Viewer", username="ada", password=PASSWORD)
    type_password(page)
    page.wait_for_url("**/users/")
    page.goto("/me/second-factor/passkeys/")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    ada.refresh_from_db()
    assert ada.has_second_factor

    page.context.clear_cookies()
    page.goto("/login/?next=/me/sessions/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Active sessions").wait_for()

    page.context.clear_cookies()
    type_password(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/users/")
    ways = SignInEvent.objects.order_by("pk").values_list("outcome", "way")
    assert list(ways) == [
        ("ok", "password"),
        ("ok", "passkey"),
        ("ok", "passkey"),
    ]

    # A passkey that was removed here opens nothing any more.
    Authenticator.objects.all().delete()
    give_app(ada)
    page.context.clear_cookies()
    page.goto("/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("This passkey was not accepted").wait_for()
