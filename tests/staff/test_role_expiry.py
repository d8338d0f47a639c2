"""A role that is given for a time: it has no effect from its end on, and is removed by a task."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import caches
from django.db import OperationalError
from django.utils import timezone

from tests.account_rows import events
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, start, work
from users import access
from users.bulk.undo import undo_job
from users.jobs.models import JobItem
from users.models import User
from users.role_models import RoleGrant
from users.sessions.viewer_query import PERMISSIONS_SECONDS, cache_seconds
from users.staff.roles import expiry
from users.staff.tasks import end_roles
from users.verbs.role_addition.verb import add_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def support():
    return Group.objects.get(name="Support")


def lend(account, group, *, by=None) -> RoleGrant:
    """Gives a role for a time that has passed meanwhile."""
    until = timezone.now() + timedelta(hours=1)
    add_roles(account, by=by or make_superuser(), groups=[group], until=until, reason="Holiday")
    RoleGrant.objects.update(until=timezone.now() - timedelta(seconds=1))
    return RoleGrant.objects.get()


def test_an_ended_role_gives_nothing_to_requests_and_jobs(client, support):
    ada = make_user(is_staff=True)
    client.force_login(ada)
    until = timezone.now() + timedelta(hours=1)
    add_roles(ada, by=make_superuser(), groups=[support], until=until)
    assert client.get("/users/").status_code == 200
    # Permissions are cached until the end: the update here moves it, as time would.
    RoleGrant.objects.update(until=timezone.now() - timedelta(seconds=1))
    caches["pages"].clear()
    assert client.get("/users/").status_code == 403
    again = User.objects.get(pk=ada.pk)
    assert access.stored_permissions(again) == again.get_all_permissions() == set()


def test_the_cache_of_permissions_ends_with_the_role(support):
    ada = make_user(is_staff=True)
    assert cache_seconds(ada.pk) == PERMISSIONS_SECONDS
    until = timezone.now() + timedelta(seconds=30)
    add_roles(ada, by=make_superuser(), groups=[support], until=until)
    assert 25 <= cache_seconds(ada.pk) <= 30


def test_the_task_removes_ended_roles_with_an_event(support):
    root = make_superuser(username="root")
    ada = make_user("Viewer")
    grant = lend(ada, support, by=root)
    assert (grant.by_id, grant.by_text, grant.reason) == (root.pk, "root", "Holiday")
    assert end_roles() == 1
    assert end_roles() == 0
    assert [group.name for group in ada.groups.all()] == ["Viewer"]
    removed = events(ada)[-1]
    assert (removed.action, removed.actor_text, removed.after) == (
        "account.groups_removed",
        "Rollcall",
        {"groups": ["Viewer"]},
    )


def test_a_role_that_cannot_be_removed_holds_up_no_other(support, monkeypatch):
    people = [make_user("Viewer"), make_user("Viewer")]
    for person in people:
        until = timezone.now() + timedelta(hours=1)
        add_roles(person, by=make_superuser(), groups=[support], until=until)
    RoleGrant.objects.update(until=timezone.now() - timedelta(seconds=1))
    remove = expiry.remove_memberships

    def fail_for_the_first(account_id: int, memberships: list[int]) -> None:
        if account_id == people[0].pk:
            raise OperationalError
        remove(account_id, memberships)

    monkeypatch.setattr(expiry, "remove_memberships", fail_for_the_first)
    end_roles()
    assert [support.user_set.filter(pk=person.pk).exists() for person in people] == [True, False]


def test_a_role_with_an_end_has_it_again_after_an_undo(support):
    root = make_superuser()
    ada, grace = make_user("Viewer"), make_user("Viewer")
    until = timezone.now() + timedelta(hours=1)
    for person in (ada, grace):
        add_roles(person, by=root, groups=[support], until=until)
    parameters = {"groups": [support.pk]}
    job = run("groups-removal", [ada, grace], by=root, parameters=parameters)
    image = JobItem.objects.get(job=job, account_id=grace.pk).before
    image["ends"] = {str(support.pk): (timezone.now() - timedelta(seconds=1)).isoformat()}
    JobItem.objects.filter(job=job, account_id=grace.pk).update(before=image)
    assert work(undo_job(job, by=root, reason="")).changed == 2
    [membership] = User.groups.through.objects.filter(group=support)
    assert membership.user_id == ada.pk
    assert RoleGrant.objects.get(membership_id=membership.pk).until == until


def test_a_role_with_power_comes_neither_by_an_undo_nor_by_a_job(support):
    root = make_superuser()
    ada, boss = make_user("Viewer"), make_user("Administrator")
    administrators = Group.objects.get(name="Administrator")
    job = run("groups-removal", [boss], by=root, parameters={"groups": [administrators.pk]})
    back = work(undo_job(job, by=root, reason=""))
    assert "on the page of each account" in JobItem.objects.get(job=back).reason
    late = start("groups", [ada], by=root, parameters={"groups": [support.pk]})
    support.permissions.add(Permission.objects.get(codename="manage_staff"))
    assert work(late).skipped == 1
    assert not administrators.user_set.exists()
    assert not support.user_set.exists()


def test_a_role_that_is_given_again_has_no_end_left(support):
    ada = make_user("Viewer")
    lend(ada, support)
    ada.groups.remove(support)
    add_roles(User.objects.get(pk=ada.pk), by=make_superuser(), groups=[support])
    assert "users.suspend_user" in access.stored_permissions(ada)
    assert end_roles() == 1  # the account of the first grant
    assert RoleGrant.objects.get().until is None
    assert ada.groups.filter(pk=support.pk).exists()
