"""/signup/ is closed."""

import pytest

from tests.builders import make_user
from tests.pages import read
from users.models import User

pytestmark = pytest.mark.django_db

EVE = {
    "username": "eve",
    "email": "eve@example.com",
    "password1": "a-long-passphrase",
    "password2": "a-long-passphrase",
}


def test_sign_up_is_closed_to_looking_and_to_sending(client):
    for response in (client.get("/signup/"), client.post("/signup/", EVE)):
        assert response.status_code == 200
        assert read(response).one("h1").text == "Accounts are by invitation only"
    assert not User.objects.exists()


def test_who_is_signed_in_is_sent_on(client):
    client.force_login(make_user("Viewer"))
    assert client.get("/signup/")["Location"] == "/users/"


def test_other_methods_make_no_account_either(client):
    for method in ("put", "patch", "delete"):
        response = getattr(client, method)("/signup/", EVE, content_type="application/json")
        assert response.status_code in (200, 405)
    assert not User.objects.exists()
