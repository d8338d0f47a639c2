"""Fields that no form has: ignored everywhere, and those that would give something are in the
trail.
"""

import pytest
from django.contrib.auth.models import Group, Permission

from tests.builders import PASSWORD, make_superuser, make_user
from tests.verbs.verb_cases import CASES, send
from users import access
from users.audit.models import AuditEvent
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of forms, and not of the database
EXTRA = {
    "is_superuser": "on",
    "is_staff": "on",
    "groups": "1",
    "user_permissions": "1",
    "status": "active",
    "password": "mine",
    "email_verified_at": "2020-01-01",
    "session_epoch": "9",
    "nickname": "x",
}
PROFILE = {
    "first_name": "Ada",
    "last_name": "",
    "phone": "",
    "locale": "",
    "time_zone": "",
    "accepts_announcements": "no",
}
# What these forms have: whether the viewer may give it is asked by the verb.
TAKEN = {
    "assign_roles": {"is_superuser", "is_staff", "groups"},
    "add_to_groups": {"groups"},
    "remove_from_groups": {"groups"},
}


@pytest.mark.parametrize("verb", CASES)
def test_privileged_fields_are_ignored_and_recorded(client, verb):
    root = make_superuser()
    case = CASES[verb]
    ada = make_user(username="ada", password=PASSWORD, **case.fields)
    made = case.fit(ada, root)
    client.force_login(root)
    extra = {name: value for name, value in EXTRA.items() if name not in TAKEN.get(verb, ())}
    assert send(client, case, ada, made, **extra).status_code == 302
    stored = User.objects.get(pk=ada.pk)
    assert (stored.is_superuser, stored.is_staff, stored.user_permissions.count()) == (
        False,
        False,
        0,
    )
    assert stored.groups.filter(pk=EXTRA["groups"]).count() == 0
    assert stored.check_password(PASSWORD) == (verb != "erase")
    assert stored.session_epoch < 9
    denied = AuditEvent.objects.get(action="denied")
    assert (denied.actor_id, denied.target_id) == (root.pk, ada.pk)
    if verb == "erase":  # takes all that was said about the person with it
        return
    assert denied.after == {
        "action": denied.after["action"],
        "permission": "",
        "fields": sorted(extra.keys() - {"nickname"}),
    }
    assert denied.after["action"] in access.PERMISSIONS
    assert "mine" not in denied.reason


def test_so_they_are_where_the_form_has_errors(client):
    client.force_login(make_superuser())
    ada = make_user()
    assert (
        client.post(
            f"/users/{ada.pk}/suspension/", {"version": 1, "reason": "", "is_superuser": "on"}
        ).status_code
        == 422
    )
    assert AuditEvent.objects.get().after["fields"] == ["is_superuser"]


def test_in_a_note_that_only_others_may_pin(client):
    """As somebody who may write notes and pin none."""
    agent = make_user("Support")
    Group.objects.get(name="Support").permissions.remove(
        Permission.objects.get(codename="pin_note")
    )
    client.force_login(agent)
    ada = make_user()
    assert (
        client.post(f"/users/{ada.pk}/notes/", {"text": "Rang", "pinned": "on"}).status_code == 302
    )
    assert not ada.notes.get().pinned
    assert AuditEvent.objects.get(action="denied").after["fields"] == ["pinned"]


def test_in_an_invitation_by_somebody_who_may_not_give_roles(client):
    manager = make_user("Manager")
    client.force_login(manager)
    client.post(
        "/users/new/",
        {"username": "ada", "email": "ada@example.com", "is_staff": "on", "groups": "1"},
    )
    ada = User.objects.get(username="ada")
    assert (ada.is_staff, ada.groups.count()) == (False, 0)
    denied = AuditEvent.objects.get(action="denied")
    assert (denied.actor_id, denied.target_id, denied.after["fields"]) == (
        manager.pk,
        None,
        ["groups", "is_staff"],
    )


def test_on_the_page_of_ones_own_account(client):
    ada = make_user()
    client.force_login(ada)
    assert client.post("/me/", {"version": 1, "is_staff": "on"} | PROFILE).status_code == 302
    ada.refresh_from_db()
    assert (ada.first_name, ada.is_staff) == ("Ada", False)
    assert AuditEvent.objects.get(action="denied").after["fields"] == ["is_staff"]


def test_a_form_that_has_such_fields_takes_them(client):
    client.force_login(make_superuser())
    ada = make_user()
    sent = {"version": 1, "is_staff": "on", "reason": "x"}
    client.post(f"/users/{ada.pk}/roles/", sent)
    assert User.objects.get(pk=ada.pk).is_staff
    assert not AuditEvent.objects.filter(action="denied").exists()


def test_fields_that_mean_nothing_are_no_event(client):
    client.force_login(make_superuser())
    client.post(
        f"/users/{make_user().pk}/suspension/",
        {"version": 1, "reason": "x", "nickname": "x", "csrfmiddlewaretoken": "x"},
    )
    assert not AuditEvent.objects.filter(action="denied").exists()
