"""Queries that are put together once give what the ORM gives."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Value
from django.test.utils import CaptureQueriesContext

from tests.builders import make_user
from users.audit.models import AuditEvent
from users.database.cached_query import ID_PLACEHOLDER, CachedQuery
from users.models import User
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def accounts() -> list[User]:
    staff = make_user("Support", attributes={"plan": "free"})
    found = [staff, make_user("Manager"), make_user()]
    suspend_account(found[2], by=staff, reason="Asked for")
    return found


def test_objects_are_those_of_the_query_whichever_id_came_first(accounts):
    query = CachedQuery(User, lambda pk: User.objects.filter(pk=pk))
    for account in accounts:
        [found] = query.objects(account.pk)
        wanted = User.objects.get(pk=account.pk)
        fields = [field.attname for field in User._meta.concrete_fields]
        assert {name: getattr(found, name) for name in fields} == {
            name: getattr(wanted, name) for name in fields
        }
        assert found.attributes == wanted.attributes
        found.save()  # as whole as any other
    assert query.objects(ID_PLACEHOLDER) == query.objects(2**63 - 1) == []


def test_rows_are_those_of_values_list(accounts):
    def make(pk: int):
        groups = Group.objects.filter(user=pk).order_by().values_list("name", Value(1))
        return groups.union(
            User.objects.filter(pk=pk).order_by().values_list("username", Value(2)), all=True
        )

    query = CachedQuery(Group, make)
    for account in accounts:
        assert sorted(query.rows(account.pk)) == sorted(make(account.pk))


def test_fields_that_are_left_out_are_read_when_they_are_asked_for(accounts):
    query = CachedQuery(
        AuditEvent, lambda pk: AuditEvent.objects.newest_of("target_id", pk).defer("reason")[:5]
    )
    with CaptureQueriesContext(connection) as queries:
        [event] = query.objects(accounts[2].pk)
        assert event.action == "account.suspended"
        assert event.after["status"] == "suspended"
        assert event.at.tzinfo is not None
    assert len(queries) == 1
    assert event.reason == "Asked for"


def test_it_is_put_together_once(accounts):
    asked = []
    query = CachedQuery(User, lambda pk: asked.append(pk) or User.objects.filter(pk=pk))
    assert [query.objects(account.pk)[0].pk for account in accounts] == [
        account.pk for account in accounts
    ]
    assert asked == [ID_PLACEHOLDER]
