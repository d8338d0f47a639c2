"""POST /users/<id>/presence/end/: a page that is left says so."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.dateparse import parse_datetime

from tests.answers import assert_denied, assert_wrong_method
from tests.builders import make_user
from tests.pages import read

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def ada():
    return make_user(username="ada")


@pytest.fixture
def ana(client):
    ana = make_user("Support", first_name="Ana")
    client.force_login(ana)
    return ana


def beat(client: Client, account, query: str = "version=1") -> str:
    return client.get(f"/users/{account.pk}/presence/?{query}", headers=PART)["Presence-At"]


def leave(client: Client, account, at: str):
    return client.post(f"/users/{account.pk}/presence/end/", {"at": at}, headers=PART)


def seen_by_colleague(account) -> str:
    colleague = Client()
    colleague.force_login(make_user("Viewer"))
    return read(colleague.get(f"/users/{account.pk}/presence/?version=1", headers=PART)).text


def test_who_has_left_is_not_named_and_edits_no_more(client, ana, ada):
    at = beat(client, ada, "version=1&form=1")
    assert seen_by_colleague(ada) == "Editing: Ana"
    assert leave(client, ada, at).status_code == 204
    assert "Ana" not in seen_by_colleague(ada)


def test_a_page_that_was_opened_meanwhile_keeps_its_own(client, ana, ada):
    first = beat(client, ada)
    beat(client, ada)
    leave(client, ada, first)
    assert "Ana" in seen_by_colleague(ada)


def test_a_form_in_another_tab_stays_one_that_is_edited(client, ana, ada):
    beat(client, ada, "version=1&form=1")
    assert leave(client, ada, beat(client, ada)).status_code == 204
    assert seen_by_colleague(ada) == "Editing: Ana"


def test_only_ones_own_is_ended(client, ana, ada):
    at = parse_datetime(beat(client, ada)) + timedelta(hours=1)
    bo = Client()
    bo.force_login(make_user("Support", first_name="Bo"))
    assert leave(bo, ada, at.isoformat()).status_code == 204
    assert leave(client, make_user(), at.isoformat()).status_code == 204
    assert "Ana" in seen_by_colleague(ada)


@pytest.mark.parametrize("at", ["", "x", "0001-01-01T00:00:00+23:00", "2026-13-01"])
def test_what_is_no_time_is_refused(client, ana, ada, at):
    assert leave(client, ada, at).status_code == 400


def test_an_id_that_nobody_has_is_no_trouble(client, ana, ada):
    at = beat(client, ada)
    assert client.post(f"/users/{10**30}/presence/end/", {"at": at}).status_code == 204


def test_it_takes_a_session_the_right_and_a_token(client, ana, ada):
    path = f"/users/{ada.pk}/presence/end/"
    assert_wrong_method(client, path, allowed="POST")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    assert strict.post(path, headers=PART).status_code == 403
    assert Client().post(path, headers=PART).status_code == 401
    outsider = make_user(is_staff=True)
    client.force_login(outsider)
    assert_denied(client.post(path), "users.view_user", actor=outsider, action="view")
