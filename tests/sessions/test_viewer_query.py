"""The query that loads a viewer: every column, the permissions that Django would find, the session
and the generations.
"""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.builders import make_superuser, make_user
from users.caching.generation import current_generations, parse_generations
from users.meter.hour_totals import add_use
from users.models import User
from users.sessions import viewer_query
from users.sessions.models import Session

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["Viewer", "Support", "Manager", "Auditor", "Administrator", ""])
def test_permissions_are_those_that_django_would_find(role):
    account = make_user(role)
    account.user_permissions.add(
        Permission.objects.get(codename="view_status"),
        Permission.objects.get(codename="add_group"),
    )
    account.groups.add(Group.objects.get(name="Auditor"))
    found = viewer_query.load_viewer(account.pk)
    plain = User.objects.get(pk=account.pk)
    expected = Permission.objects.filter(group__user=plain) | Permission.objects.filter(user=plain)
    assert found.get_all_permissions() == {
        f"{each.content_type.app_label}.{each.codename}"
        for each in expected.select_related("content_type")
    }
    with CaptureQueriesContext(connection) as queries:
        assert found.has_perm("auth.add_group")
        assert not found.has_perm("auth.delete_group")
    assert len(queries) == 0


def test_somebody_without_any_permission_has_none_and_a_superuser_every_one():
    assert viewer_query.load_viewer(make_user().pk).get_all_permissions() == set()
    assert viewer_query.load_viewer(make_superuser().pk).has_perm("users.anything")


def test_all_columns_come_with_it():
    account = make_user(
        "Viewer", attributes={"a": [1]}, preferences={"size": 25}, valid_until=timezone.now()
    )
    found = viewer_query.load_viewer(account.pk)
    fresh = User.objects.get(pk=account.pk)
    assert {
        field.attname: getattr(found, field.attname) for field in User._meta.concrete_fields
    } == {field.attname: getattr(fresh, field.attname) for field in User._meta.concrete_fields}
    assert not found.get_deferred_fields()


def test_the_generations_and_the_session_come_with_it(client):
    account = make_user()
    client.force_login(account)
    found = viewer_query.load_viewer(account.pk, client.session.session_key)
    assert parse_generations(found.generations) == current_generations()
    assert found.session
    assert viewer_query.load_viewer(account.pk, "another").session is None
    assert viewer_query.load_viewer(account.pk).session is None
    assert viewer_query.load_viewer(2**62) is None


def test_the_last_uses_of_this_hour_come_with_it():
    account = make_user()
    assert not viewer_query.load_viewer(account.pk).last_uses
    add_use(account.pk, "openings", subject=7)
    add_use(account.pk, "openings", subject=12)
    add_use(account.pk, "searches", subject=2**56)
    found = viewer_query.load_viewer(account.pk)
    assert sorted(found.last_uses.split()) == ["openings:12", f"searches:{2**56}"]


def test_it_comes_with_its_session_too(client):
    account = make_user("Support")
    client.force_login(account)
    key = client.session.session_key
    found = viewer_query.load_viewer_by_session(key)
    assert found
    text, owner = found
    assert owner.__dict__.keys() == viewer_query.load_viewer(account.pk, key).__dict__.keys()
    assert (owner, owner.session, parse_generations(owner.generations)) == (
        account,
        text,
        current_generations(),
    )
    assert owner.has_perm("users.view_user")
    assert viewer_query.load_viewer_by_session("another") is None
    Session.objects.update(account_id=None)
    assert viewer_query.load_viewer_by_session(key) == (text, None)
    Session.objects.update(expire_date=timezone.now())
    assert viewer_query.load_viewer_by_session(key) is None
