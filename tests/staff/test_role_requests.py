"""Requests for a role, and the second administrator whom a new administrator needs."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.answers import assert_denied, assert_not_found, assert_sent_to_sign_in
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.access import CommandActor, Denied
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User
from users.role_models import RoleGrant, RoleRequest, RoleSettings
from users.staff.requests.decisions import (
    approve_request,
    decidable_requests,
    request_role,
)
from users.staff.roles.changes import delete_role
from users.verbs.invitation.verb import invite_user
from users.verbs.role_addition.verb import add_roles
from users.verbs.roles import approval
from users.verbs.roles.approval import approval_sentence
from users.verbs.roles.verb import assign_roles

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW = "/staff/requests/new/"


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def role_names(account) -> set[str]:
    return set(account.groups.values_list("name", flat=True))


@pytest.fixture
def four_eyes(settings):
    settings.ADMINISTRATOR_APPROVAL = "on"


def test_a_role_is_requested_for_a_time_approved_and_ends_by_itself(client, client_factory):
    RoleSettings.objects.create(group=group("Support"), requestable=True)
    ada = make_user("Viewer", username="ada")
    client.force_login(ada)
    sent = form(client.get(NEW), NEW)
    sent |= {"group": str(group("Support").pk), "days": "3", "reason": "Holiday cover"}
    response = client.post(NEW, sent)
    row = RoleRequest.objects.get()
    path = f"/staff/requests/{row.pk}/"
    assert response["Location"] == path
    assert client.post(f"{path}approval/").status_code == 403
    assert client.post(NEW, sent).status_code == 409  # it waits already
    boss = client_factory(make_user("Administrator"))
    assert "Holiday cover" in read(boss.get(path)).one("main").text
    assert boss.post(f"{path}approval/", {"reason": "Fine"}).status_code == 302
    assert role_names(ada) == {"Viewer", "Support"}
    days = (RoleGrant.objects.get().until - timezone.now()) / timedelta(days=1)
    assert 2.9 < days <= 3
    assert boss.post(f"{path}approval/").status_code == 409  # decided already
    actions = AuditEvent.objects.filter(target_id=ada.pk).order_by("id")
    assert list(actions.values_list("action", flat=True)) == [
        "account.role_requested",
        "account.role_approved",
        "account.groups_added",
    ]


def test_a_request_is_declined_or_cancelled(client, client_factory):
    RoleSettings.objects.create(group=group("Support"), requestable=True)
    ada = make_user("Viewer")
    client.force_login(ada)
    row = request_role(by=ada, group=group("Support"), days=1, reason="x")
    assert client.post(f"/staff/requests/{row.pk}/end/").status_code == 302
    row = request_role(by=ada, group=group("Support"), days=1, reason="x")
    boss = client_factory(make_superuser())
    assert boss.post(f"/staff/requests/{row.pk}/end/").status_code == 403
    assert boss.post(f"/staff/requests/{row.pk}/decline/", {"reason": "No"}).status_code == 302
    states = RoleRequest.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["cancelled", "declined"]
    assert role_names(ada) == {"Viewer"}


def test_each_colleague_who_may_decide_gets_an_email_once(client):
    ada, root = make_user("Viewer"), make_superuser()
    boss, holder = make_user("Administrator"), make_user("Administrator")
    make_user("Manager")
    holder.groups.add(group("Auditor"))
    for role, approver, told in (
        ("Support", None, [root, boss, holder]),
        ("Manager", group("Auditor"), [holder]),
    ):
        RoleSettings.objects.create(group=group(role), requestable=True, approver=approver)
        request_role(by=ada, group=group(role), days=1, reason="x")
        messages = Message.objects.filter(kind="role-requested").order_by("account_id")
        assert [message.account for message in messages] == told
        assert "/staff/requests/" in compose_mail(messages[0]).body
        messages.delete()
    waiting = [decidable_requests(each).count() for each in (ada, boss, holder, root)]
    assert waiting == [0, 1, 2, 2]


def test_two_requests_at_one_instant_are_one(monkeypatch):
    RoleSettings.objects.create(group=group("Support"), requestable=True)
    ada = make_user("Viewer")
    monkeypatch.setattr(approval, "refuse_repeated", lambda account, name: None)
    request_role(by=ada, group=group("Support"), days=1, reason="x")
    with pytest.raises(VerbRefused, match="already been requested"):
        request_role(by=ada, group=group("Support"), days=1, reason="x")


def test_only_offered_roles_are_requested_and_only_their_approvers_decide():
    ada = make_user("Viewer")
    with pytest.raises(VerbRefused, match="can’t be requested"):
        request_role(by=ada, group=group("Support"), days=1, reason="x")
    RoleSettings.objects.create(group=group("Support"), requestable=True, approver=group("Auditor"))
    row = request_role(by=ada, group=group("Support"), days=1, reason="x")
    with pytest.raises(Denied, match="Only holders of Auditor"):
        approve_request(row, by=make_user("Administrator"))


GRANTS = {
    "adding a role": lambda ada, by: add_roles(ada, by=by, groups=[group("Administrator")]),
    "setting roles": lambda ada, by: assign_roles(
        ada, by=by, groups=[group("Administrator")], is_staff=True, is_superuser=False
    ),
    "superuser": lambda ada, by: assign_roles(
        ada, by=by, groups=[], is_staff=True, is_superuser=True
    ),
}


@pytest.mark.parametrize("way", GRANTS)
def test_a_second_administrator_approves_a_new_one(way, four_eyes):
    root, other = make_superuser(), make_superuser()
    ada = make_user("Viewer")
    changed = GRANTS[way](ada, root)
    assert approval_sentence(changed).endswith("needs another administrator’s approval.")
    fresh = User.objects.get(pk=ada.pk)
    assert (fresh.is_superuser, "Administrator" in role_names(ada)) == (False, False)
    row = RoleRequest.objects.get()
    for by in (root, fresh):
        with pytest.raises(Denied):
            approve_request(row, by=by)
    approve_request(row, by=other)
    fresh = User.objects.get(pk=ada.pk)
    assert fresh.is_superuser or "Administrator" in role_names(ada)


def test_an_invited_administrator_waits_for_the_second_one_too(four_eyes):
    eve = invite_user(
        by=make_superuser(),
        username="eve",
        email="eve@example.com",
        groups=[group("Administrator"), group("Viewer")],
        is_superuser=True,
    )
    assert role_names(eve) == {"Viewer"}
    assert not User.objects.get(pk=eve.pk).is_superuser
    assert RoleRequest.objects.count() == 2


def test_nothing_is_given_once_the_requester_may_not_give_it_any_more(four_eyes):
    root, other = make_superuser(), make_superuser()
    ada = make_user("Viewer")
    GRANTS["superuser"](ada, root)
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    with pytest.raises(Denied, match="may no longer give"):
        approve_request(RoleRequest.objects.get(), by=other)


def test_an_ended_role_decides_nothing_and_an_approver_role_stays(four_eyes):
    root = make_superuser()
    deciders = group("Auditor")
    deciders.permissions.add(Permission.objects.get(codename="approve_role"))
    options = {"group": group("Support"), "requestable": True, "approver": deciders}
    RoleSettings.objects.create(**options)
    row = request_role(by=make_user("Viewer"), group=group("Support"), days=3, reason="x")
    decider = make_user("Administrator")
    add_roles(decider, by=root, groups=[deciders], until=timezone.now() + timedelta(hours=1))
    RoleGrant.objects.update(until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Denied, match="Only holders of Auditor"):
        approve_request(row, by=User.objects.get(pk=decider.pk))
    with pytest.raises(VerbRefused, match="Choose another approver"):
        delete_role(deciders, by=root, reason="x")


def test_who_owes_their_access_to_the_requester_is_no_second_person(four_eyes):
    root = make_superuser()
    puppet = make_user("Viewer")
    assign_roles(puppet, by=root, groups=[], is_staff=True, is_superuser=True, approved=True)
    GRANTS["superuser"](make_user("Viewer"), root)
    with pytest.raises(Denied, match="Ask another colleague"):
        approve_request(RoleRequest.objects.get(), by=User.objects.get(pk=puppet.pk))


def test_a_person_with_a_shell_needs_nobody(four_eyes):
    ada = make_user("Viewer")
    add_roles(ada, by=CommandActor("bulk"), groups=[group("Administrator")])
    assert "Administrator" in role_names(ada)


def test_the_form_says_that_a_new_administrator_waits(client, four_eyes):
    client.force_login(make_superuser())
    ada = make_user("Viewer", username="ada")
    path = f"/users/{ada.pk}/groups/"
    sent = {"version": 1, "groups": [str(group("Administrator").pk)], "reason": "x"}
    sent["typed_username"] = "ada"
    page = read(client.post(path, sent, follow=True))
    assert (
        "Administrator needs another administrator’s approval"
        in page.one("p", class_="note success").text
    )


def test_the_ladder(client):
    assert_sent_to_sign_in(client, "/staff/requests/", methods=("get",))
    bare = make_user(is_staff=True)
    client.force_login(bare)
    for path in ("/staff/requests/", NEW):
        assert_denied(client.get(path), "users.request_role", actor=bare, action="request_role")
    client.force_login(make_superuser())
    assert_not_found(client, "/staff/requests/{}/", methods=("get",))
    for path in ("approval", "decline", "end"):
        assert client.get(f"/staff/requests/1/{path}/").status_code == 405
    assert client.get("/staff/requests/?after=x").status_code == 400
    assert client.post(NEW, {"group": "x", "days": "0"}).status_code == 422


def test_the_other_administrators_hear_of_a_new_one():
    root, other = make_superuser(username="root"), make_user("Administrator")
    ada = make_user("Viewer", username="ada")
    GRANTS["adding a role"](ada, root)
    messages = Message.objects.filter(kind="new-superuser", about_id=ada.pk)
    assert {message.account_id for message in messages} == {root.pk, other.pk}
    assert "root made ada an administrator on" in compose_mail(messages[0]).body
