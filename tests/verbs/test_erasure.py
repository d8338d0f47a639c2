"""GET and POST /users/<id>/erasure/"""

import pytest
from django.contrib.auth.models import Permission

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.models import User
from users.verbs.erasure.verb import erase_account
from users.verbs.profile.verb import edit_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client):
    administrator = make_user("Administrator")
    client.force_login(administrator)
    return administrator


def path(account) -> str:
    return f"/users/{account.pk}/erasure/"


def filled(account, **fields) -> dict:
    return {
        "version": 1,
        "reason": "Request 17",
        "reserve": "on",
        "confirm": account.username,
    } | fields


def test_an_administrator_erases_an_account(client, administrator):
    ada = make_user(username="ada", first_name="Ada", last_name="Lovelace")
    page = client.get(path(ada))
    typed = {"reason": "", "ticket": "", "confirm": ""}
    assert form(page, path(ada)) == {"version": "1", "reserve": ["on"]} | typed
    assert "ada@example.com" in read(page).one("main").text
    response = client.post(path(ada), filled(ada, confirm=" Ada "), follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert "Account erased. Only the ID" in read(response).one("p", class_="note success").text
    assert not {"Ada", "Lovelace", "ada@example.com"} & set(read(response).one("main").text.split())
    ada.refresh_from_db()
    assert (ada.status, ada.email, ada.first_name) == ("erased", "", "")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_id, event.target_id, event.reason) == (
        "account.erased",
        administrator.pk,
        ada.pk,
        "Request 17",
    )
    assert event.target_text == ada.username != "ada"
    assert f'href="{path(ada)}"' not in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("reason", "", "required"),
        ("reason", "x" * 2001, "at most 2000"),
        ("reason", "a\x00b", "Null characters"),
        ("reason", "Ada asked for it", "must not name the person"),
        ("reason", "mail of ADA@example.com", "must not name the person"),
        ("confirm", "", "required"),
        ("confirm", "adah", "That doesn’t match. Type the account’s username to confirm."),
        ("version", "", "Reload"),
    ],
)
def test_bad_input_is_named_and_kept(client, administrator, field, value, says):
    ada = make_user(username="ada", first_name="Ada")
    response = client.post(path(ada), filled(ada, **{field: value}))
    assert response.status_code == 422
    assert any(says in error for error in errors_of(response)), errors_of(response)
    assert form(response, path(ada))[field] == value
    ada.refresh_from_db()
    assert ada.status == "active"


def test_a_stale_form_is_asked_about(client, administrator):
    ada = make_user()
    edit_profile(ada, by=make_superuser(), version=1, phone="12345")
    response = client.post(path(ada), filled(ada))
    assert response.status_code == 409
    again = form(response, path(ada))
    assert (again["version"], again["reason"], again["confirm"]) == (
        "2",
        "Request 17",
        ada.username,
    )
    assert client.post(path(ada), again).status_code == 302


def test_what_is_erased_stays_so(client, administrator):
    ada = erase_account(make_user(), by=make_superuser(), reason="Request 17")
    events = AuditEvent.objects.count()
    for confirm in (
        ada.username,
        "ada",
    ):  # as it is called now, and as it was when the form was opened
        response = client.post(path(ada), filled(ada, version=ada.version, confirm=confirm))
        assert response.status_code == 409
        assert "This account is already erased." in errors_of(response)
    assert AuditEvent.objects.count() == events


def test_the_last_superuser_and_oneself_stay(client, administrator):
    root = make_superuser()
    assert_denied(
        client.post(path(root), filled(root)), "", actor=administrator, target=root, action="erase"
    )
    assert_denied(
        client.post(path(administrator), filled(administrator)),
        "",
        actor=administrator,
        target=administrator,
        action="erase",
    )
    second = make_superuser(valid_until="2999-01-01T00:00Z")
    client.force_login(second)
    response = client.post(path(root), filled(root))
    assert response.status_code == 409
    assert any("last active superuser" in error for error in errors_of(response))
    assert not User.objects.filter(status="erased").exists()


@pytest.mark.parametrize("role", ["Viewer", "Support", "Manager", "Auditor"])
def test_who_may_not_erase_is_refused(client, role):
    viewer = make_user(role)
    ada = make_user()
    client.force_login(viewer)
    for answer in (client.get(path(ada)), client.post(path(ada), filled(ada))):
        assert_denied(answer, "users.erase_user", actor=viewer, target=ada, action="erase")
    ada.refresh_from_db()
    assert ada.status == "active"


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, administrator):
    assert_not_found(client, "/users/{}/erasure/")


def test_other_methods_are_refused(client, administrator):
    assert_wrong_method(client, path(make_user()), allowed="GET, HEAD, POST")


def test_who_does_not_see_the_username_types_the_number(client):
    """The right to erase alone: the page shows a mask of a username that is an address."""
    eraser = make_user(is_staff=True)
    for codename in ("view_user", "erase_user"):
        eraser.user_permissions.add(Permission.objects.get(codename=codename))
    ada = make_user(username="ada@example.com", email="ada@example.com")
    client.force_login(eraser)
    page = client.get(path(ada))
    assert "ada@example.com" not in page.content.decode()
    assert "Type the account ID shown above" in read(page).one("form", action=path(ada)).text
    for wrong in ("ada@example.com", "a•••@example.com", str(ada.pk + 1)):
        response = client.post(path(ada), filled(ada, confirm=wrong))
        assert response.status_code == 422
        assert "That doesn’t match. Type the account’s ID to confirm." in errors_of(response)
    assert client.post(path(ada), filled(ada, confirm=f" #{ada.pk} ")).status_code == 302
    ada.refresh_from_db()
    assert ada.status == "erased"
