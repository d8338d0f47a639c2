"""GET and POST /logout/"""

import pytest

from tests.answers import assert_sent_to_sign_in
from tests.builders import make_user
from tests.pages import form, read

pytestmark = pytest.mark.django_db

PATH = "/logout/"


def test_the_button_on_each_page_signs_out(client):
    client.force_login(make_user("Viewer"))
    assert form(client.get("/users/"), PATH) == {}
    assert client.post(PATH)["Location"] == "/login/"
    assert client.get("/users/").status_code == 302


def test_looking_at_the_address_signs_nobody_out(client):
    client.force_login(make_user())
    response = client.get(PATH)
    assert read(response).one("h1").text == "Sign out?"
    assert client.get("/me/").status_code == 200


def test_nothing_of_the_page_is_kept_for_the_back_button(client):
    client.force_login(make_user())
    assert client.get("/me/")["Cache-Control"] == "no-store"


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)
