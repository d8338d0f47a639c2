"""A sign-in in a browser that the account was not used in sends its owner an email."""

import pytest
from django.test import Client

from tests.builders import PASSWORD, make_user
from tests.mail.test_message_content import bodies, composed
from users.mail.models import Message

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(browser: Client) -> None:
    browser.post("/logout/")
    response = browser.post("/login/", {"login": "ada", "password": PASSWORD})
    assert response.status_code == 302


def test_each_other_browser_is_reported_once_and_the_first_is_not():
    ada = make_user("Support", username="ada", password=PASSWORD)
    first = Client()
    second = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="10.0.0.7")
    for browser in (first, second, first, second):
        device = browser.cookies.get("device")
        sign_in(browser)
        assert device is None or browser.cookies["device"]
    message = Message.objects.get()
    assert (message.kind, message.account, message.to) == ("new-device", ada, ada.email)
    for text in bodies(composed(message)):
        assert "Firefox 140 on Linux" in text
        assert "private network, 10.0.0.7" in text
