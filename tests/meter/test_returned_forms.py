"""A form that comes back filled in shows its account, which counts like any page of it."""

import pytest
from django.test import Client

from tests.builders import PASSWORD, make_superuser, make_user
from tests.meter.limits import count_of
from tests.pages import form
from users.sudo.recent import forget_authentication

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_a_form_with_a_stale_token_counts_the_account_that_its_answer_shows():
    client = Client(enforce_csrf_checks=True)
    agent = make_user("Support", password=PASSWORD)
    client.force_login(agent)
    ada = make_user(username="ada", first_name="Ada", email="ada@example.com")
    path = f"/users/{ada.pk}/edit/"
    headers = {"Origin": "http://testserver", "Referer": f"http://testserver{path}"}
    page = client.post(path, {"first_name": "A"}, headers=headers)
    assert page.status_code == 403
    assert "ada@example.com" in page.content.decode()
    assert count_of(agent, "openings") == 1


def test_a_form_that_comes_back_after_a_confirmation_counts_its_account(client):
    root = make_superuser(password=PASSWORD)
    client.force_login(root)
    ada = make_user()
    session = client.session
    forget_authentication(session)
    session.save()
    path = f"/users/{ada.pk}/roles/"
    headers = {"Origin": "http://testserver", "Referer": f"http://testserver{path}"}
    asked = client.post(path, {"reason": "New colleague"}, headers=headers)
    assert count_of(root, "openings") == 0
    back = client.post("/sudo/", form(asked, "/sudo/") | {"password": PASSWORD})
    assert back.status_code == 200
    assert form(back, path)["reason"] == "New colleague"
    assert count_of(root, "openings") == 1
