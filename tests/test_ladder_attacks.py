"""Attacks by which staff try to rise above their rank, as one table: each way to change an account,
tried on somebody above, and each way to get a role, tried with one that the attacker may not give.
"""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from tests.account_rows import row
from tests.api.calls import Program
from tests.builders import PASSWORD, make_superuser, make_user
from tests.bulk.running import run, start, work
from tests.transfer.imports.importer import import_records
from tests.verbs.verb_cases import CASES, send
from users.audit.models import AuditEvent
from users.bulk import undo
from users.jobs.models import Job, JobItem
from users.models import User
from users.role_models import RoleSettings
from users.staff.reviews.models import AccessReview
from users.staff.reviews.opening import open_review
from users.transfer.imports.rules import BOTH, ImportRules

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of ranks, and not of the database

RANK = "Only a superuser may change a superuser’s account."
GRANT = "Only someone with these permissions can grant them"
OWN = "Nobody may do this to their own account."
ON_PAGE = "It can only be granted on the page of an account."


def fresh(account: User) -> User:
    """The account without its remembered permissions."""
    return User.objects.get(pk=account.pk)


def strong_role() -> Group:
    """A role with a permission that no role of a new installation has."""
    role, _ = Group.objects.get_or_create(name="Keyholder")
    role.permissions.add(Permission.objects.get(codename="add_group"))
    return role


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account)
    return client


def last_denial() -> str:
    return AuditEvent.objects.filter(action="denied").latest("id").reason


def by_form(case_name: str) -> Callable[[User, User], str]:
    """The attack that sends the form of a verb to the address of the account above."""

    def attack(attacker: User, above: User) -> str:
        case = CASES[case_name]
        User.objects.filter(pk=above.pk).update(**case.fields)
        before = row(above)
        made = case.fit(above, attacker)
        assert send(signed_in(attacker), case, above, made).status_code == 403
        assert row(above) == before
        return last_denial()

    return attack


def job_reason(job: Job) -> str:
    """What the job says about its only account, which it left alone."""
    assert (job.changed, job.skipped) == (0, 1), job.note
    return JobItem.objects.get(job=job).reason


def by_bulk(attacker: User, above: User) -> str:
    return job_reason(run("suspension", [above], by=attacker))


def by_bulk_password(attacker: User, above: User) -> str:
    return job_reason(run("password-change", [above], by=attacker))


def by_bulk_grant(attacker: User, above: User) -> str:
    role = strong_role()
    friend = make_user("Viewer")
    job = run("groups", [friend], by=attacker, parameters={"groups": [role.pk]})
    assert not role.user_set.exists()
    return job_reason(job)


def by_import(attacker: User, above: User) -> str:
    record = {"username": above.username, "email": "mine@example.com"}
    fields = {name: name for name in record}
    rules = ImportRules(fields=fields, key="username", mode=BOTH)
    [outcome] = import_records([record], rules, attacker)
    assert outcome.kind == "rejected"
    return outcome.reason


def by_import_grant(attacker: User, above: User) -> str:
    record = {"username": "anna", "email": "anna@example.com", "groups": "Administrator"}
    fields = {name: name for name in record}
    [outcome] = import_records([record], ImportRules(fields=fields, key="username"), attacker)
    assert outcome.kind == "created", outcome.reason
    assert not User.objects.get(username="anna").groups.exists()
    return outcome.reason


def by_undo(attacker: User, above: User) -> str:
    """Undoes what a superuser did to another one."""
    job = run("suspension", [above], by=make_superuser())
    assert job.changed == 1
    return job_reason(work(undo.undo_job(job, by=attacker, reason="")))


def by_undo_grant(attacker: User, above: User) -> str:
    role = strong_role()
    friend = make_user()
    friend.groups.add(role)
    parameters = {"groups": [role.pk]}
    job = run("groups-removal", [friend], by=make_superuser(), parameters=parameters)
    assert job.changed == 1
    back = work(undo.undo_job(job, by=attacker, reason=""))
    assert not role.user_set.exists()
    return job_reason(back)


def by_role_form(path: str) -> Callable[[User, User], str]:
    """The attack that gives a strong role to a friend, who may pass on what it opens."""

    def attack(attacker: User, above: User) -> str:
        role = strong_role()
        friend = make_user()
        values = {"groups": [role.pk], "is_staff": "on", "reason": "x", "version": 1}
        values |= {"typed_username": friend.username}
        answer = signed_in(attacker).post(f"/users/{friend.pk}/{path}", values)
        assert not role.user_set.exists()
        assert not fresh(friend).is_staff
        return last_denial() if answer.status_code == 403 else answer.content.decode()

    return attack


def by_invitation(attacker: User, above: User) -> str:
    """Invites a friend with a role that the attacker may not give."""
    values = {"email": "eve@example.com", "username": "eve", "accepts_announcements": "no"}
    values |= {"groups": [strong_role().pk], "is_staff": "on", "reason": "x"}
    assert signed_in(attacker).post("/users/new/", values).status_code == 403
    assert not User.objects.filter(username="eve").exists()
    return last_denial()


def by_program(attacker: User, above: User) -> str:
    """Suspends a colleague by a job, which a token starts that may not touch staff."""
    agent = make_user("Support", source="hr")
    make_user(source="hr")
    sender = Program(attacker, "view_user", "suspend_user")
    sent = {"action": "suspension", "filter": "source=hr", "count": 1, "values": {"reason": "x"}}
    work(Job.objects.get(pk=sender.post("/jobs", sent).json()["id"]))
    assert fresh(agent).status == "active"
    return JobItem.objects.get(account_id=agent.pk).reason


def by_own_role(attacker: User, above: User) -> str:
    values = {"groups": [strong_role().pk], "reason": "x", "version": 1}
    assert signed_in(attacker).post(f"/users/{attacker.pk}/groups/", values).status_code == 403
    return last_denial()


def by_role_change(role_name: str) -> Callable[[User, User], str]:
    """The attack that gives a role one more permission on the page of the role."""

    def attack(attacker: User, above: User) -> str:
        strong_role()
        role = Group.objects.get(name=role_name)
        held = set(role.permissions.all())
        sent = {"name": role.name, "permissions": ["view_user", "erase_user"], "reason": "x"}
        answer = signed_in(attacker).post(f"/staff/roles/{role.pk}/edit/", sent)
        assert answer.status_code == 403
        assert set(role.permissions.all()) == held
        return last_denial()

    return attack


def by_own_request(attacker: User, above: User) -> str:
    """Requests a strong role, and approves the request."""
    role = strong_role()
    RoleSettings.objects.create(group=role, requestable=True)
    client = signed_in(attacker)
    sent = {"group": role.pk, "days": "1", "reason": "x"}
    path = client.post("/staff/requests/new/", sent)["Location"]
    assert client.post(f"{path}approval/").status_code == 403
    assert not role.user_set.exists()
    return last_denial()


def by_review(attacker: User, above: User) -> str:
    """Takes the superuser status from somebody above, by a review that the attacker has opened."""
    outcome = AccessReview.Outcome.REMOVE
    review = open_review(by=attacker, name="x", role=None, days=1, outcome=outcome)
    item = review.items.get(account_id=above.pk)
    client = signed_in(attacker)
    sent = {"decision": "remove", "reason": "x"}
    path = f"/staff/reviews/{review.pk}/"
    assert client.post(f"{path}roles/{item.pk}/", sent).status_code == 403
    said = last_denial()
    assert client.post(f"{path}end/").status_code == 302
    item.refresh_from_db()
    assert item.decision == "escalated"
    return said


def by_lost_right(attacker: User, above: User) -> str:
    """Starts a job while the right is held, and loses the right before a worker runs it."""
    person = make_user()
    job = start("suspension", [person], by=attacker)
    attacker.groups.clear()
    work(job)
    assert (job.state, job.changed, fresh(person).status) == ("parked", 0, "active")
    return job.note


def by_lost_staff(attacker: User, above: User) -> str:
    """Sends a form that was opened before the attacker's staff access ended."""
    person = make_user()
    client = signed_in(attacker)
    User.objects.filter(pk=attacker.pk).update(is_staff=False)
    case = CASES["suspend"]
    assert send(client, case, person, None).status_code == 403
    assert fresh(person).status == "active"
    return last_denial()


def by_lost_role(attacker: User, above: User) -> str:
    person = make_user()
    client = signed_in(attacker)
    attacker.groups.clear()
    assert send(client, CASES["suspend"], person, None).status_code == 403
    assert fresh(person).status == "active"
    return last_denial()


ATTACKS: dict[str, tuple[Callable[[User, User], str], str]] = {
    "form": (by_form("edit"), RANK),
    "inline": (by_form("edit one field"), RANK),
    "restore": (by_form("restore"), RANK),
    "put back": (by_form("put_back"), RANK),
    "second factor of somebody above": (by_form("reset_second_factor"), RANK),
    "password of somebody above": (by_form("send_password_reset"), RANK),
    "role of somebody above": (by_form("assign_roles"), RANK),
    "bulk": (by_bulk, RANK),
    "bulk password": (by_bulk_password, RANK),
    "bulk role": (by_bulk_grant, GRANT),
    "import": (by_import, RANK),
    "import of a role": (by_import_grant, ON_PAGE),
    "undo": (by_undo, RANK),
    "undo of a role": (by_undo_grant, GRANT),
    "role edit": (by_role_form("roles/"), GRANT),
    "role addition": (by_role_form("groups/"), GRANT),
    "invitation": (by_invitation, GRANT),
    "job by a narrow token": (by_program, "can manage staff accounts"),
    "own role": (by_own_role, OWN),
    "permissions of a role above": (
        by_role_change("Keyholder"),
        "Only someone with all permissions of this role",
    ),
    "permissions of the own role": (
        by_role_change("Administrator"),
        "Nobody may change a role that they hold",
    ),
    "own request": (by_own_request, "can’t decide about your own request"),
    "review": (by_review, RANK),
    "job after the right was taken": (by_lost_right, "may no longer do this"),
    "form after the right was taken": (by_lost_role, "may do this"),
    "form after staff access was taken": (by_lost_staff, "Only active staff"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nobody_climbs(name):
    attack, refusal = ATTACKS[name]
    make_superuser()  # one stays, so that no other rule refuses
    above = make_superuser(password=PASSWORD)
    attacker = make_user("Administrator", password=PASSWORD)
    held = fresh(attacker).get_all_permissions()
    said = attack(fresh(attacker), above)
    assert refusal in said
    assert fresh(attacker).get_all_permissions() <= held
    assert not fresh(attacker).is_superuser
    assert fresh(above).is_superuser
