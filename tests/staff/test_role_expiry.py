"""A role that is given for a time: it has no effect from its end on, and is removed by a task."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.utils import timezone

from tests.account_rows import events
from tests.builders import make_superuser, make_user
from users import access
from users.models import User
from users.role_models import RoleGrant
from users.sessions.viewer_query import PERMISSIONS_SECONDS, cache_seconds
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


def test_a_role_that_is_given_again_has_no_end_left(support):
    ada = make_user("Viewer")
    lend(ada, support)
    ada.groups.remove(support)
    add_roles(User.objects.get(pk=ada.pk), by=make_superuser(), groups=[support])
    assert "users.suspend_user" in access.stored_permissions(ada)
    assert end_roles() == 1  # the account of the first grant
    assert RoleGrant.objects.get().until is None
    assert ada.groups.filter(pk=support.pk).exists()
