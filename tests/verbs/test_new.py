"""GET and POST /users/new/"""

import pytest
from django.contrib.auth.models import Group

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.builders import PASSWORD, make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.models import User
from users.role_models import RoleGrant
from users.sudo.recent import SUDO_KEY
from users.verbs.invitation.page import NO_REASON

pytestmark = pytest.mark.django_db

PATH = "/users/new/"
ADA = {
    "email": "Ada@Example.com",
    "username": "Ada",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "",
    "locale": "en-GB",
    "time_zone": "Europe/London",
    "accepts_announcements": "no",
}


@pytest.fixture
def manager(client):
    manager = make_user("Manager")
    client.force_login(manager)
    return manager


def group(name: str) -> int:
    return Group.objects.get(name=name).pk


def test_a_manager_invites_somebody(client, manager):
    assert set(form(client.get(PATH), PATH)) == set(ADA)
    response = client.post(PATH, ADA, follow=True)
    ada = User.objects.get(username="ada")
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert (
        "Invitation to Ada@example.com queued."
        in read(response).one("p", class_="note success").text
    )
    assert (ada.status, ada.email, ada.is_staff, ada.has_usable_password()) == (
        "invited",
        "Ada@example.com",
        False,
        False,
    )
    message = Message.objects.get()
    assert (message.account_id, message.kind, message.to, message.state) == (
        ada.pk,
        "invitation",
        "Ada@example.com",
        "waiting",
    )
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == (
        "account.invited",
        manager.pk,
        ada.pk,
    )


def test_an_administrator_gives_roles_along(client):
    client.force_login(make_user("Administrator"))
    groups = [group("Support"), group("Viewer")]
    client.post(PATH, ADA | {"groups": groups, "is_staff": "on", "reason": "Joins us"})
    ada = User.objects.get(username="ada")
    assert sorted(ada.groups.values_list("name", flat=True)) == ["Support", "Viewer"]
    assert ada.is_staff
    assert not ada.is_superuser
    assert {grant.reason for grant in RoleGrant.objects.all()} == {"Joins us"}
    assert AuditEvent.objects.get(action="account.invited").reason == "Joins us"


@pytest.mark.parametrize("given", [{"groups": ["1"]}, {"is_staff": "on"}, {"is_superuser": "on"}])
def test_roles_need_a_reason_and_a_confirmed_identity(client, given):
    client.force_login(make_superuser(password=PASSWORD))
    refused = client.post(PATH, ADA | given)
    assert (refused.status_code, errors_of(refused)[-1]) == (422, NO_REASON)
    session = client.session
    session[SUDO_KEY] = {"at": 0, "method": "sign-in"}
    session.save()
    asked = client.post(PATH, ADA | given | {"reason": "Joins us"})
    assert asked["Location"].startswith("/sudo/")
    assert not User.objects.filter(username="ada").exists()
    # Without roles nobody is asked.
    assert client.post(PATH, ADA).status_code == 302


def test_roles_in_a_managers_request_are_not_given(client, manager):
    client.post(
        PATH,
        ADA
        | {"groups": [group("Viewer")], "is_staff": "on", "is_superuser": "on", "status": "active"},
    )
    ada = User.objects.get(username="ada")
    assert (ada.is_staff, ada.is_superuser, ada.groups.count(), ada.status) == (
        False,
        False,
        0,
        "invited",
    )


def test_an_administrator_makes_no_superuser(client):
    admin = make_user("Administrator")
    client.force_login(admin)
    response = client.post(PATH, ADA | {"is_superuser": "on", "reason": "x"})
    assert_denied(response, "", actor=admin, action="assign_roles")
    assert not User.objects.filter(username="ada").exists()


def test_a_superuser_makes_another_one(client):
    client.force_login(make_superuser())
    client.post(PATH, ADA | {"is_superuser": "on", "reason": "x"})
    ada = User.objects.get(username="ada")
    assert (ada.is_superuser, ada.is_staff) == (True, True)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("email", "", "required"),
        ("email", "nobody", "valid email"),
        ("email", "taken@example.com", "Another account has this address."),
        ("username", "", "required"),
        ("username", "TAKEN", "This username is taken."),
        ("username", "a b", "can’t be part of a username"),
        ("first_name", "a\x00b", "Null characters"),
        ("phone", "x", "phone number"),
    ],
)
def test_bad_input_is_named_and_kept_and_nobody_is_invited(client, manager, field, value, says):
    make_user(username="taken")
    response = client.post(PATH, ADA | {field: value})
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, PATH) == ADA | {field: value}
    assert User.objects.count() == 2
    assert not Message.objects.exists()


def test_a_role_that_does_not_exist_is_bad_input(client):
    client.force_login(make_user("Administrator"))
    for group_id in ("0", "x", str(2**70)):
        assert client.post(PATH, ADA | {"groups": [group_id]}).status_code == 422
    assert not User.objects.filter(username="ada").exists()


def test_an_empty_request_is_bad_input(client, manager):
    assert client.post(PATH).status_code == 422


@pytest.mark.parametrize("role", ["Viewer", "Support", "Auditor"])
def test_who_may_not_invite_is_refused(client, role):
    viewer = make_user(role)
    client.force_login(viewer)
    for answer in (client.get(PATH), client.post(PATH, ADA)):
        assert_denied(answer, "users.invite_user", actor=viewer, action="invite")
    assert not User.objects.filter(username="ada").exists()


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(client.post(PATH, ADA), "", actor=ada, action="enter")


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, PATH)


def test_other_methods_are_refused(client, manager):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
