"""GET and POST /users/<id>/roles/"""

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users import access
from users.audit.models import AuditEvent
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User
from users.verbs.invitation.verb import invite_user
from users.verbs.roles.page import NO_EFFECT_ERROR
from users.verbs.roles.verb import assign_roles

pytestmark = pytest.mark.django_db
REASON = {"reason": "A test", "ticket": ""}
EXTRA = REASON | {"until": "", "typed_username": "", "staff_asked": ""}


@pytest.fixture
def admin(client):
    admin = make_user("Administrator")
    client.force_login(admin)
    return admin


def path(account) -> str:
    return f"/users/{account.pk}/roles/"


def opened(client, account) -> dict:
    """Returns the form as the browser would send it, with a reason typed."""
    return form(client.get(path(account)), path(account)) | REASON


def problems(response) -> list[str]:
    return [text for text in errors_of(response) if not text.startswith("Not saved.")]


def role(name: str) -> str:
    return str(Group.objects.get(name=name).pk)


def test_an_administrator_gives_and_takes_roles(client, admin):
    ada = make_user("Viewer")
    assert opened(client, ada) == EXTRA | {
        "version": "1",
        "groups": [role("Viewer")],
        "is_staff": ["on"],
    }
    sent = opened(client, ada) | {"groups": [role("Support")]}
    response = client.post(path(ada), sent, follow=True)
    assert response.redirect_chain == [(f"/users/{ada.pk}/", 302)]
    assert read(response).one("p", class_="note success").text == "Granted Support. Removed Viewer."
    ada.refresh_from_db()
    assert [group.name for group in ada.groups.all()] == ["Support"]
    assert ada.version == 2
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == (
        "account.roles_assigned",
        {"groups": ["Viewer"]},
        {"groups": ["Support"]},
    )


def test_what_two_people_add_and_take_merges(client, admin):
    ada = make_user("Viewer")
    ada.groups.add(Group.objects.get(name="Auditor"))
    sent = opened(client, ada) | {
        "groups": [role("Support"), role("Viewer")]
    }  # takes one, adds one
    groups = Group.objects.filter(name__in=["Auditor", "Manager"])  # so does Ana
    assign_roles(
        ada,
        by=make_superuser(first_name="Ana"),
        version=1,
        groups=groups,
        is_staff=True,
        is_superuser=False,
    )
    message = read(client.post(path(ada), sent, follow=True)).one("p", class_="note success").text
    assert message == (
        "Granted Support. Removed Auditor. Meanwhile Ana changed the roles; both changes are kept."
    )
    assert sorted(ada.groups.values_list("name", flat=True)) == ["Manager", "Support"]


def test_who_was_taken_from_the_staff_stays_so(client, admin):
    ada = make_user("Viewer")
    sent = opened(client, ada) | {"groups": [role("Support"), role("Viewer")]}
    assign_roles(
        ada,
        by=make_superuser(),
        version=1,
        groups=ada.groups.all(),
        is_staff=False,
        is_superuser=False,
    )
    assert client.post(path(ada), sent).status_code == 302
    ada.refresh_from_db()
    assert (ada.is_staff, sorted(ada.groups.values_list("name", flat=True))) == (
        False,
        ["Support", "Viewer"],
    )


def test_a_superuser_who_is_to_leave_the_staff_is_asked_about(client):
    client.force_login(make_superuser())
    ada = make_user("Viewer")
    sent = opened(client, ada) | {"groups": [role("Support")], "staff_asked": "on"}
    del sent["is_staff"]
    assign_roles(
        ada,
        by=make_superuser(),
        version=1,
        groups=ada.groups.all(),
        is_staff=True,
        is_superuser=True,
    )
    response = client.post(path(ada), sent)
    assert response.status_code == 409
    assert rows(response) == [["Staff", "No", "Yes"], ["Superuser", "No", "Yes"]]
    again = form(response, path(ada))
    assert again == EXTRA | {
        "version": "2",
        "groups": [role("Support")],
        "is_superuser": ["on"],
        "staff_asked": "on",
    }
    final = REASON | {"version": "2", "groups": again["groups"], "staff_asked": "on"}
    assert client.post(path(ada), final).status_code == 302
    ada.refresh_from_db()
    assert (ada.is_staff, ada.is_superuser, ada.groups.get().name) == (False, False, "Support")


def test_where_events_are_missing_both_versions_are_shown_and_what_was_chosen_is_kept(
    client, admin
):
    ada = make_user("Viewer")
    sent = opened(client, ada) | {"groups": [role("Support"), role("Viewer")]}
    type(ada).objects.filter(pk=ada.pk).update(version=2, is_staff=False)
    response = client.post(path(ada), sent)
    assert response.status_code == 409
    assert rows(response) == [["Roles", "Support, Viewer", "Viewer"], ["Staff", "Yes", "No"]]
    again = form(response, path(ada))
    assert again == EXTRA | {
        "version": "2",
        "groups": [role("Viewer"), role("Support")],
        "is_staff": ["on"],
    }
    assert client.post(path(ada), again).status_code == 302
    assert sorted(ada.groups.values_list("name", flat=True)) == ["Support", "Viewer"]


def rows(response) -> list[list[str]]:
    """What the table of an old form says."""
    return [
        [cell.text for cell in row.walk() if cell.tag in ("th", "td")]
        for row in read(response).one("tbody").all("tr")
    ]


def test_a_reason_is_required_and_stands_in_the_event(client, admin):
    ada = make_user("Viewer")
    sent = opened(client, ada) | {"groups": [role("Support")], "reason": "  "}
    assert problems(client.post(path(ada), sent)) == ["This field is required."]
    assert client.post(path(ada), sent | {"reason": "Joins the desk"}).status_code == 302
    assert AuditEvent.objects.get().reason == "Joins the desk"


@pytest.mark.sqlite  # of forms, and not of the database
@pytest.mark.parametrize("typed", ["", "Ada Smith", "bob", "adа"])
@pytest.mark.parametrize(
    ("granted", "name"),
    [({"is_superuser": "on"}, "Superuser"), ({"groups": "Administrator"}, "Administrator")],
)
def test_power_is_granted_only_with_the_username_typed(client, granted, name, typed):
    client.force_login(make_superuser())
    ada = make_user("Viewer", username="ada")
    if "groups" in granted:
        granted = {"groups": [role(granted["groups"])]}
    sent = opened(client, ada) | granted | {"typed_username": typed}
    response = client.post(path(ada), sent)
    assert response.status_code == 422
    assert problems(response) == [f"Type ada to grant {name}."]
    assert form(response, path(ada))["reason"] == "A test"
    ada.refresh_from_db()
    assert (ada.version, ada.is_superuser) == (1, False)
    response = client.post(path(ada), sent | {"typed_username": " Ada "}, follow=True)
    assert f"Granted {name}" in read(response).one("p", class_="note success").text


def test_the_form_names_what_the_username_is_for(client):
    client.force_login(make_superuser())
    ada = make_user("Administrator")
    text = read(client.get(path(ada))).one("main").text
    assert "Required to grant Superuser or Administrator." in text


def test_a_role_without_permissions_needs_no_staff_access(client, admin):
    ada = make_user()
    partners = Group.objects.create(name="Partners")
    sent = opened(client, ada) | {"groups": [str(partners.pk)]}
    response = client.post(path(ada), sent, follow=True)
    assert read(response).one("p", class_="note success").text == "Granted Partners."


def test_who_has_power_already_keeps_it_without_typing(client):
    client.force_login(make_superuser())
    ada = make_user("Administrator")
    groups = [role("Administrator"), role("Support")]
    sent = opened(client, ada) | {"groups": groups}
    assert client.post(path(ada), sent).status_code == 302


def test_the_power_of_a_role_is_in_its_permissions_and_not_in_its_name(client):
    client.force_login(make_superuser())
    ada = make_user("Viewer", username="ada")
    keeper = Group.objects.create(name="Keeper")
    keeper.permissions.set(Permission.objects.filter(codename="manage_staff"))
    sent = opened(client, ada) | {"groups": [str(keeper.pk)]}
    assert problems(client.post(path(ada), sent)) == ["Type ada to grant Keeper."]


def test_roles_without_staff_access_are_named_and_staff_is_offered(client, admin):
    ada = make_user()
    sent = opened(client, ada) | {"groups": [role("Support")]}
    assert "is_staff" not in sent
    response = client.post(path(ada), sent)
    assert response.status_code == 422
    assert problems(response) == [NO_EFFECT_ERROR]
    again = form(response, path(ada))
    assert (again["is_staff"], again["groups"]) == (["on"], [role("Support")])
    response = client.post(path(ada), again, follow=True)
    assert read(response).one("p", class_="note success").text == "Granted Staff, Support."


def test_roles_may_be_saved_without_effect_and_the_message_says_so(client, admin):
    ada = make_user()
    sent = opened(client, ada) | {"groups": [role("Support")]}
    again = form(client.post(path(ada), sent), path(ada))
    del again["is_staff"]
    response = client.post(path(ada), again, follow=True)
    assert (
        read(response).one("p", class_="note success").text
        == f"Granted Support. {access.NO_EFFECT}"
    )
    ada.refresh_from_db()
    assert (ada.is_staff, ada.groups.get().name) == (False, "Support")


def test_the_page_says_what_goes_with_it(client, admin):
    ada = make_user("Viewer")
    page = read(client.get(path(ada))).one("section", class_="radius").text
    assert "Changes take effect immediately, also in open sessions and running jobs." in page
    count = Group.objects.get(name="Support").permissions.count()
    assert f"Support, {count} permissions" in page
    assert "Can change back-office access and roles" in page
    held = Group.objects.get(name="Viewer").permissions.count()
    assert f"Permissions now {held}" in page


def test_other_superusers_get_an_email_about_a_new_one(client):
    root = make_superuser(username="root")
    others = [make_superuser(), root]
    make_superuser(status="suspended")
    others.append(make_user("Administrator"))
    client.force_login(root)
    ada = make_user("Viewer", username="ada")
    sent = opened(client, ada) | {"is_superuser": "on", "typed_username": "ada"}
    assert client.post(path(ada), sent).status_code == 302
    messages = Message.objects.filter(kind="new-superuser")
    assert {message.account_id for message in messages} == {other.pk for other in others}
    mail = compose_mail(messages[0])
    assert "root made ada a superuser, who has all permissions, on" in mail.body
    assert "Reason: A test" in mail.body
    assert f"/users/{ada.pk}/" in mail.body
    # Another change of the same account says nothing.
    ada.refresh_from_db()
    sent = opened(client, ada) | {"groups": [role("Support")]}
    assert client.post(path(ada), sent).status_code == 302
    assert messages.count() == 3


def test_an_invited_superuser_is_announced_too():
    root = make_superuser()
    invite_user(by=root, username="eve", email="eve@example.com", is_superuser=True)
    message = Message.objects.get(kind="new-superuser")
    assert (message.account, message.about_id) == (root, User.objects.get(username="eve").pk)


def test_the_last_superuser_stays(client):
    root = make_superuser()
    other = make_superuser(valid_until=timezone.now().replace(year=2999))
    client.force_login(other)
    response = client.post(path(root), REASON | {"version": 1, "is_staff": "on"})
    assert response.status_code == 409
    assert "This is the last active superuser. Make someone else a superuser first." in errors_of(
        response
    )
    root.refresh_from_db()
    assert root.is_superuser


@pytest.mark.parametrize(
    "wrong",
    [{"groups": "0"}, {"groups": "x"}, {"groups": str(2**70)}, {"version": ""}, {"version": "abc"}],
)
def test_bad_input_changes_nothing(client, admin, wrong):
    ada = make_user("Viewer")
    response = client.post(path(ada), opened(client, ada) | wrong)
    assert response.status_code == 422
    assert errors_of(response)
    assert [group.name for group in ada.groups.all()] == ["Viewer"]


def test_an_account_that_is_gone_gets_no_roles(client, admin):
    ada = make_user(status="deleted", deleted_at=timezone.now())
    assert client.post(path(ada), REASON | {"version": 1, "is_staff": "on"}).status_code == 409


@pytest.mark.parametrize("name", ["Viewer", "Support", "Manager", "Auditor"])
def test_who_may_not_give_roles_is_refused(client, name):
    viewer = make_user(name)
    ada = make_user()
    client.force_login(viewer)
    for method in (client.get, client.post):
        assert_denied(
            method(path(ada)), "users.assign_roles", actor=viewer, target=ada, action="assign_roles"
        )


def test_an_administrator_makes_no_superuser_and_touches_none(client, admin):
    for target, sent in (
        (make_user(), {"is_superuser": "on"}),
        (make_superuser(), {"is_staff": "on"}),
    ):
        response = client.post(
            path(target), REASON | {"version": 1, "typed_username": target.username} | sent
        )
        assert_denied(response, "", actor=admin, target=target, action="assign_roles")
        before = target.is_superuser
        target.refresh_from_db()
        assert target.is_superuser == before


def test_an_administrator_gives_no_role_that_holds_more_than_their_own(client, admin):
    keeper = Group.objects.create(name="Keeper")
    keeper.permissions.set(Group.objects.get(name="Administrator").permissions.all())
    admin.groups.set([Group.objects.get(name="Viewer"), keeper])
    keeper.permissions.remove(keeper.permissions.get(codename="suspend_user"))
    ada = make_user()
    sent = REASON | {"version": 1, "groups": [role("Support")], "is_staff": "on"}
    response = client.post(path(ada), sent)
    assert_denied(response, "users.suspend_user", actor=admin, target=ada, action="assign_roles")
    assert not ada.groups.exists()


def test_nobody_changes_their_own_roles(client):
    root = make_superuser()
    client.force_login(root)
    for method in (client.get, client.post):
        assert_denied(method(path(root)), "", actor=root, target=root, action="assign_roles")


def test_somebody_who_is_not_staff_is_refused(client):
    ada = make_user()
    client.force_login(ada)
    assert_denied(
        client.post(path(ada), {"version": 1, "is_superuser": "on"}), "", actor=ada, action="enter"
    )


def test_strangers_are_sent_to_sign_in(client):
    assert_sent_to_sign_in(client, path(make_user()))


def test_an_unknown_id_is_not_found(client, admin):
    assert_not_found(client, "/users/{}/roles/")


def test_other_methods_are_refused(client, admin):
    assert_wrong_method(client, path(make_user()), allowed="GET, HEAD, POST")
