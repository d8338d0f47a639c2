"""/ leads to the dashboard, or to one's own account; signing in leads to the directory."""

import pytest

from tests.builders import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def test_staff_begin_in_the_directory_after_signing_in(client):
    agent = make_user("Support", password=PASSWORD)
    response = client.post("/login/", {"login": agent.username, "password": PASSWORD})
    assert response["Location"] == "/users/"
    assert client.get("/").status_code == 200


def test_the_start_leads_everybody_else_to_their_own_account(client):
    client.force_login(make_user())
    response = client.get("/", follow=True)
    assert response.redirect_chain == [("/me/", 302)]
    assert response.status_code == 200


def test_the_start_asks_strangers_to_sign_in_and_brings_them_nowhere_else(client):
    assert client.get("/")["Location"] == "/login/"


def test_an_address_without_its_last_slash_finds_its_page(client):
    client.force_login(make_user("Viewer"))
    assert client.get("/users?q=ada")["Location"] == "/users/?q=ada"
