"""GET and POST /logout/"""

import pytest

from tests.answers import assert_sent_to_sign_in
from tests.builders import make_user
from tests.pages import form, read

pytestmark = pytest.mark.django_db

PATH = "/logout/"


def test_the_link_on_each_page_leads_to_a_button_that_signs_out(client):
    client.force_login(make_user("Viewer"))
    assert read(client.get("/users/")).one("a", href=PATH)
    assert form(client.get(PATH), PATH) == {}
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


def test_the_name_that_the_browser_was_given_goes_too(client):
    client.force_login(make_user("Viewer", first_name="Ada; admin", last_name="Lövelace"))
    assert client.get("/users/").cookies["viewer"].value == "Ada%3B%20admin%20L%C3%B6velace"
    assert client.post(PATH).cookies["viewer"]["max-age"] == 0


def test_the_browser_is_told_to_drop_what_scripts_stored_and_no_more(client):
    client.force_login(make_user("Viewer"))
    assert "Clear-Site-Data" not in client.get(PATH)
    assert client.post(PATH)["Clear-Site-Data"] == '"storage"'
