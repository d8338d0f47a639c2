"""Consent to announcements: forms, import, bulk change, filter and history of the field."""

import pytest

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.bulk.registry import ACTIONS_BY_SLUG
from users.models import User
from users.verbs.profile.verb import edit_own_profile, edit_profile

pytestmark = pytest.mark.django_db
FIELD = "accepts_announcements"


def test_people_give_and_take_back_their_consent_and_the_trail_is_the_evidence(client):
    ada = make_user()
    client.force_login(ada)
    sent = form(client.get("/me/"), "/me/")
    assert sent[FIELD] == "no"
    assert client.post("/me/", sent | {FIELD: "yes"}).status_code == 302
    ada.refresh_from_db()
    assert ada.accepts_announcements
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.before, event.after) == (ada.pk, {FIELD: False}, {FIELD: True})
    assert form(client.get("/me/"), "/me/")[FIELD] == "yes"


def test_a_form_without_the_field_changes_nothing_and_offers_the_stored_value(client):
    ada = make_user(accepts_announcements=True)
    client.force_login(ada)
    sent = form(client.get("/me/"), "/me/")
    del sent[FIELD]
    response = client.post("/me/", sent)
    assert response.status_code == 422
    assert form(response, "/me/")[FIELD] == "yes"
    assert client.post("/me/", sent | {FIELD: "maybe"}).status_code == 422
    assert User.objects.get().accepts_announcements


def test_an_edit_of_another_field_keeps_the_consent_that_was_given_since(client):
    ada = make_user()
    agent = make_user("Support", first_name="Mia")
    client.force_login(agent)
    path = f"/users/{ada.pk}/edit/"
    sent = form(client.get(path), path)
    edit_own_profile(ada, version=1, accepts_announcements=True)
    edit_profile(ada, by=make_superuser(), version=None, locale="de")
    response = client.post(path, sent | {"first_name": "Ada"})
    assert response.status_code == 302
    ada.refresh_from_db()
    assert (ada.accepts_announcements, ada.first_name) == (True, "Ada")
    page = read(client.get(f"/users/{ada.pk}/"))
    assert page.one(id=f"fact-{FIELD}").text.startswith("AnnouncementsYes")


def test_it_is_set_for_many():
    root = make_superuser()
    accounts = [make_user(), make_user(accepts_announcements=True)]
    parameters = {"field": FIELD, "value": True}
    job = run("attribute", accounts, by=root, parameters=parameters)
    described = ACTIONS_BY_SLUG["attribute"].describe(job, "2 accounts")
    assert described == "Set announcements of 2 accounts to “yes”"
    assert (job.changed, job.unchanged) == (1, 1)
    assert User.objects.filter(accepts_announcements=True).count() == 2


def test_the_directory_is_filtered_by_it_and_its_history_is_known(client):
    root = make_superuser()
    client.force_login(root)
    ada = make_user(username="ada")
    make_user(username="bo")
    edit_own_profile(ada, version=None, accepts_announcements=True)
    for value, shown, hidden in (("yes", "ada", "bo"), ("no", "bo", "ada")):
        page = read(client.get(f"/users/?announcements={value}"))
        names = {cell.text for cell in page.one("tbody").all("td", class_="c-username")}
        assert shown in names
        assert hidden not in names
    assert client.get("/users/?announcements=1").status_code == 422
    assert "Announcements" in read(client.get(f"/users/{ada.pk}/history/")).one("main").text
