"""Requests that a page makes by itself never leave the page when the session has ended."""

import pytest
from django.test import Client

from tests.builders import make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/1/edit/"}
BACKGROUND = [
    "/users/1/presence/?version=1",
    "/jobs/running/",
    "/jobs/1/",
    "/me/parts/",
    "/users/count/",
]


@pytest.mark.parametrize("path", BACKGROUND)
def test_what_a_page_asks_by_itself_is_answered_without_a_redirect(client, path):
    response = client.get(path, headers=HTMX)
    assert (response.status_code, response.content) == (401, b"")
    assert "HX-Redirect" not in response
    assert client.get(path)["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/users/1/letter/sample/", "/users/bulk/letter/sample/?ids=1"])
def test_so_is_the_preview_of_an_email(client, path):
    response = client.post(path, {"text": "x"}, headers=HTMX)
    assert (response.status_code, "HX-Redirect" in response) == (401, False)


def test_what_somebody_clicks_leads_to_sign_in_and_back(client):
    response = client.get("/users/?q=ada", headers=HTMX)
    assert response["HX-Redirect"] == "/login/?next=%2Fusers%2F1%2Fedit%2F"


def test_who_must_change_the_password_is_not_led_away_either():
    client = Client()
    client.force_login(make_user("Manager", must_change_password=True))
    assert "HX-Redirect" not in client.get("/jobs/running/", headers=HTMX)
    assert client.get("/users/", headers=HTMX)["HX-Redirect"] == "/me/password/"
