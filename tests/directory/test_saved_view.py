"""One saved view: GET and POST /users/views/<id>/, and its deletion."""

import pytest
from django.db import IntegrityError, transaction

from tests.account_rows import events_refused
from tests.answers import (
    assert_denied,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.directory.saved_views import PATH, make_view
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory import saved_searches
from users.directory.models import SavedView

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


@pytest.fixture
def manager(client):
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def test_the_owner_renames_and_shares_a_view(client, manager):
    view = make_view(manager)
    sent = form(client.get(f"{PATH}{view.pk}/"), f"{PATH}{view.pk}/")
    assert sent == {"version": "1", "name": "Suspended", "position": "1"}
    response = client.post(
        f"{PATH}{view.pk}/", sent | {"name": "Locked out", "shared": "on", "position": "7"}
    )
    assert response["Location"] == PATH
    view.refresh_from_db()
    assert (view.name, view.shared, view.position, view.version) == ("Locked out", True, 7, 2)
    event = AuditEvent.objects.get()
    assert event.action == "view.changed"
    assert event.before == {"view": view.pk, "name": "Suspended", "shared": False}
    assert event.after == {"view": view.pk, "name": "Locked out", "shared": True}


def test_a_private_view_changes_without_an_event(client, viewer):
    view = make_view(viewer)
    client.post(f"{PATH}{view.pk}/", {"name": "x", "position": 1, "version": 1})
    view.refresh_from_db()
    assert view.name == "x"
    assert not AuditEvent.objects.exists()


def test_an_owner_who_may_share_no_longer_still_takes_a_view_back(client, viewer):
    view = make_view(viewer, shared=True)
    kept = client.post(
        f"{PATH}{view.pk}/", {"name": "x", "position": 1, "version": 1, "shared": "on"}
    )
    assert_denied(kept, "users.share_view", actor=viewer, action="share_view")
    assert (
        client.post(f"{PATH}{view.pk}/", {"name": "x", "position": 1, "version": 1}).status_code
        == 302
    )
    view.refresh_from_db()
    assert not view.shared


def test_a_stale_form_is_asked_about_and_keeps_what_was_typed(client, manager):
    view = make_view(manager)
    saved_searches.change_saved_search(
        view, by=manager, version=1, name="Other", shared=False, position=1
    )
    response = client.post(f"{PATH}{view.pk}/", {"name": "Mine", "position": 1, "version": 1})
    assert response.status_code == 409
    assert "It is now “Other”" in read(response).text
    again = form(response, f"{PATH}{view.pk}/")
    assert (again["name"], again["version"]) == ("Mine", "2")
    assert client.post(f"{PATH}{view.pk}/", again).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("name", "taken"),
        ("position", "0"),
        ("position", "x"),
        ("version", ""),
        ("version", str(2**40)),
    ],
)
def test_bad_input_changes_nothing(client, viewer, field, value):
    view = make_view(viewer)
    make_view(viewer, "taken")
    response = client.post(
        f"{PATH}{view.pk}/", {"name": "x", "position": 1, "version": 1} | {field: value}
    )
    assert response.status_code == 422
    assert errors_of(response)
    view.refresh_from_db()
    assert (view.name, view.version) == ("Suspended", 1)


def test_colleagues_see_a_shared_view_and_cannot_change_or_delete_it(client, manager):
    view = make_view(make_user("Manager"), shared=True)
    page = read(client.get(f"{PATH}{view.pk}/"))
    assert not page.all("form", action=f"{PATH}{view.pk}/")
    for path in (f"{PATH}{view.pk}/", f"{PATH}{view.pk}/deletion/"):
        response = client.post(path, {"name": "x", "position": 1, "version": 1})
        assert_denied(response, "", actor=manager, action="change_view")
    view.refresh_from_db()
    assert view.name == "Suspended"


def test_a_superuser_deletes_what_somebody_shares_and_the_trail_has_it(client):
    view = make_view(make_user("Manager"), shared=True)
    boss = make_superuser()
    client.force_login(boss)
    response = client.post(f"{PATH}{view.pk}/deletion/", follow=True)
    assert response.redirect_chain == [(PATH, 302)]
    assert not SavedView.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.before["name"]) == (
        "view.deleted",
        boss.pk,
        "Suspended",
    )
    page = read(client.get("/audit/")).text
    assert "Deleted a shared view" in page


def test_no_event_no_deletion(client, manager):
    view = make_view(manager, shared=True)
    with events_refused(), pytest.raises(IntegrityError), transaction.atomic():
        client.post(f"{PATH}{view.pk}/deletion/")
    assert SavedView.objects.count() == 1


# --- another filter -------------------------------------------------------------------------------


def test_a_view_takes_another_filter_after_it_was_asked_about(client, viewer):
    view = make_view(viewer)
    path = f"{PATH}{view.pk}/filter/?status=suspended&domain=example.com&size=25"
    page = client.get(path)
    assert "Suspended accounts at example.com" in read(page).text
    response = client.post(path, form(page, path))
    assert response["Location"] == f"/users/?view={view.pk}"
    view.refresh_from_db()
    assert (view.query, view.version) == ("status=suspended&domain=example.com&size=25", 2)
    assert not AuditEvent.objects.exists()
    assert client.post(path, {"version": 1}).status_code == 409
    assert form(client.post(path, {"version": 1}), path) == {"version": "2"}


def test_the_form_for_a_new_view_offers_the_own_ones_without_scripts(client, viewer):
    view = make_view(viewer)
    make_view(make_user("Manager"), shared=True)
    section = read(client.get(f"{PATH}new/?role=staff")).one("ul", class_="links")
    assert [link.attributes["href"] for link in section.all("a")] == [
        f"{PATH}{view.pk}/filter/?role=staff"
    ]


def test_another_filter_of_a_shared_view_is_an_event(client, manager):
    view = make_view(manager, shared=True)
    client.post(f"{PATH}{view.pk}/filter/?role=staff", {"version": 1})
    event = AuditEvent.objects.get()
    assert event.before == {"view": view.pk, "query": "status=suspended"}
    assert event.after == {"view": view.pk, "query": "role=staff"}


def test_a_filter_that_cannot_be_read_or_confirmed_is_not_stored(client, viewer):
    view = make_view(viewer)
    path = f"{PATH}{view.pk}/filter/"
    for bad in ({}, {"version": "x"}, {"version": 0}):
        assert client.post(path + "?role=staff", bad).status_code == 422
    assert client.post(path + "?role=king", {"version": 1}).status_code == 400
    assert client.get(f"{PATH}999999/filter/").status_code == 404
    assert_wrong_method(client, path, allowed="GET, HEAD, POST")
    client.logout()
    assert_sent_to_sign_in(client, path)
    view.refresh_from_db()
    assert (view.query, view.version) == ("status=suspended", 1)


def test_colleagues_put_no_other_filter_into_a_shared_view(client, manager):
    view = make_view(make_user("Manager"), shared=True)
    for ask in (client.get, client.post):
        assert ask(f"{PATH}{view.pk}/filter/?role=staff", {"version": 1}).status_code == 403
    view.refresh_from_db()
    assert view.query == "status=suspended"
