"""POST /api/v1/accounts, PATCH /api/v1/accounts/{id} and POST /api/v1/accounts/{id}/invitation"""

import pytest
from django.utils import timezone

from tests.account_rows import row
from tests.api.calls import Program, problem, program
from tests.builders import make_superuser, make_user
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.models import State, User

pytestmark = pytest.mark.django_db
ADA = {"email": "ada@example.com", "username": "ada", "first_name": "Ada"}


def test_fields_are_edited_as_on_the_page():
    sender = program("Support")
    sue = make_user(first_name="Sue", phone="+442079460000")
    sent = {"first_name": "Susan", "accepts_announcements": True, "phone": None, "version": 1}
    found = sender.patch(f"/accounts/{sue.pk}", sent)
    assert found.status_code == 200
    assert found["ETag"].startswith('"2.')
    changed = found.json()
    assert (changed["first_name"], changed["accepts_announcements"]) == ("Susan", True)
    assert (changed["phone"], changed["username"]) == ("", sue.username)
    event = AuditEvent.objects.get(action="account.edited")
    assert (event.actor_id, set(event.after)) == (
        sender.holder.pk,
        {"first_name", "accepts_announcements", "phone"},
    )


def test_edits_of_different_fields_merge_and_those_of_one_field_conflict():
    sender = program("Support")
    sue = make_user(first_name="Sue", last_name="Smith")
    path = f"/accounts/{sue.pk}"
    etag = {"If-Match": sender.get(path)["ETag"]}
    assert sender.patch(path, {"first_name": "Susan"}, headers=etag).status_code == 200
    assert sender.patch(path, {"last_name": "Jones"}, headers=etag).json()["version"] == 3
    stale = problem(sender.patch(path, {"first_name": "Suzy"}, headers=etag), 412)
    assert (stale["sent_version"], stale["account"]["first_name"]) == (1, "Susan")
    assert [error["pointer"] for error in stale["errors"]] == ["/first_name"]
    problem(sender.patch(path, {"first_name": "Suzy"}), 428)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"version": 1}, ""),
        ({"version": 1, "first_nam": "x"}, "/first_nam"),
        ({"version": 1, "email": "nobody"}, "/email"),
        ({"version": 1, "username": ""}, "/username"),
        ({"version": 1, "username": "taken"}, "/username"),
        ({"version": 1, "first_name": ["x"]}, "/first_name"),
        ({"version": 1, "first_name": True}, "/first_name"),
        ({"version": 1, "first_name": "a\u202eb"}, "/first_name"),
        ({"version": 1, "accepts_announcements": "yes"}, "/accepts_announcements"),
        ({"version": 1, "accepts_announcements": None}, "/accepts_announcements"),
        ({"version": 1, "is_staff": True, "first_name": "x"}, "/is_staff"),
        ({"version": 1, "own_password": "x", "email": "x@example.com"}, "/own_password"),
    ],
)
def test_a_bad_edit_is_named_and_changes_nothing(body, pointer):
    sender = program("Support")
    make_user(username="taken")
    sue = make_user()
    before = row(sue)
    found = problem(sender.patch(f"/accounts/{sue.pk}", body), 422)
    assert found["errors"][0]["pointer"] == pointer
    assert row(sue) == before


def test_nobody_changes_their_own_address_by_a_token():
    ada = make_user("Manager")
    sender = Program(ada, "view_user", "view_personal", "edit_user")
    sent = {"email": "new@example.com", "version": 1}
    before = row(ada)
    found = problem(sender.patch(f"/accounts/{ada.pk}", sent), 403)
    assert "password" in found["detail"]
    assert row(ada)["email"] == before["email"]


def test_a_token_that_masks_edits_nothing():
    sender = program("Support", "view_user", "edit_user")
    sue = make_user()
    found = problem(sender.patch(f"/accounts/{sue.pk}", {"first_name": "X", "version": 1}), 403)
    assert found["permission"] == "users.view_personal"


def test_a_deleted_account_is_not_edited():
    sender = program("Support")
    sue = make_user(status=State.DELETED, deleted_at=timezone.now())
    problem(sender.patch(f"/accounts/{sue.pk}", {"first_name": "X", "version": 1}), 409)


def test_an_invited_account_is_created():
    sender = program("Manager")
    answer = sender.post("/accounts", ADA)
    assert answer.status_code == 201
    found = answer.json()
    assert answer["Location"] == f"/api/v1/accounts/{found['id']}"
    assert (found["status"], found["username"], found["version"]) == ("invited", "ada", 1)
    assert Message.objects.get(kind=Message.Kind.INVITATION).account_id == found["id"]
    event = AuditEvent.objects.get(action="account.invited")
    assert (event.actor_id, event.target_id) == (sender.holder.pk, found["id"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": ""}, "/email"),
        ({"email": "taken@example.com"}, "/email"),
        ({"username": "a b"}, "/username"),
        ({"groups": [1]}, "/groups"),
        ({"is_superuser": True}, "/is_superuser"),
        ({"version": 1}, "/version"),
    ],
)
def test_a_bad_invitation_creates_nothing(change, pointer):
    sender = program("Administrator")
    make_user(username="taken", email="taken@example.com")
    number = User.objects.count()
    found = problem(sender.post("/accounts", ADA | change), 422)
    assert found["errors"][0]["pointer"] == pointer
    assert (User.objects.count(), Message.objects.count()) == (number, 0)
    is_privileged = pointer in ("/groups", "/is_superuser")
    assert AuditEvent.objects.filter(action="denied").exists() == is_privileged


def test_an_invitation_is_sent_again():
    sender = program("Manager")
    sue = make_user(status=State.INVITED)
    path = f"/accounts/{sue.pk}/invitation"
    problem(sender.post(path, {"reason": "x"}), 422)
    problem(sender.post(path, headers={"If-Match": '"7"'}), 412)
    assert sender.post(path).json()["status"] == "invited"
    assert Message.objects.filter(account_id=sue.pk).count() == 1
    found = problem(sender.post(path), 409)
    assert found["detail"] == "This email is already queued."
    problem(sender.post(f"/accounts/{make_user().pk}/invitation"), 409)


def test_who_may_not_is_refused():
    support = program("Support")
    problem(support.post("/accounts", ADA), 403)
    viewer = program("Viewer")
    problem(viewer.patch(f"/accounts/{make_user().pk}", {"first_name": "X", "version": 1}), 403)
    root = make_superuser()
    sent = {"first_name": "X", "version": 1}
    problem(program("Administrator").patch(f"/accounts/{root.pk}", sent), 403)
    assert not User.objects.filter(first_name="X").exists()
