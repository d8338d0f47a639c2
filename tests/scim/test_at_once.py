"""Requests that come at the same moment over two connections, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from tests.scim.builders import BULK_SCHEMA, PATCH_SCHEMA, create_synced, make_scim, user_body
from tests.threads import at_once
from users.audit.models import AuditEvent
from users.models import User
from users.role_grants import Membership
from users.scim import accounts, creation, groups
from users.scim.errors import LOCKED

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def met_once(look_up: Any) -> Any:
    """Returns a function whose first two calls return at the same moment: two requests find their
    names free before one of them takes them.
    """
    barrier = Barrier(2)
    calls = count()

    def look_up_together(*arguments: Any) -> Any:
        found = look_up(*arguments)
        if next(calls) < 2:
            barrier.wait(timeout=60)
        return found

    return look_up_together


def created_events() -> int:
    return AuditEvent.objects.filter(action="account.provisioned").count()


def test_one_of_two_users_with_one_name_is_created(monkeypatch):
    monkeypatch.setattr(creation, "has_holders", met_once(creation.has_holders))
    clients = [make_scim(), make_scim()]
    bodies = [user_body(userName="ada.byron"), user_body(userName="ada.byron")]
    first, second = at_once(
        lambda: clients[0].post("Users", bodies[0]).status_code,
        lambda: clients[1].post("Users", bodies[1]).status_code,
    )
    assert sorted([first, second]) == [201, 409]
    assert User.objects.filter(username="ada.byron").count() == created_events() == 1


def test_one_of_two_bulk_requests_gets_each_name(monkeypatch):
    monkeypatch.setattr(creation, "find_taken_names", met_once(creation.find_taken_names))
    clients = [make_scim(), make_scim()]

    def send(number: int) -> list[str]:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": user_body(userName=name)}
            for name in ("ada.byron", f"only.{number}", "bob.byron")
        ]
        sent = {"schemas": [BULK_SCHEMA], "Operations": operations}
        answer = clients[number].post("Bulk", sent).json()
        return [each["status"] for each in answer["Operations"]]

    found = at_once(lambda: send(0), lambda: send(1))
    assert sorted(found) == [["201", "201", "201"], ["409", "201", "409"]]
    assert User.objects.filter(source="okta").count() == created_events() == 4


@pytest.mark.parametrize("version", [{"If-Match": 'W/"1"'}, {}])
def test_one_of_two_changes_of_one_version_is_made(version, monkeypatch):
    client = make_scim()
    account = create_synced(client)
    change = {"op": "replace", "path": "title"}
    path = f"Users/{account.pk}"
    monkeypatch.setattr(accounts, "find_source_account", met_once(accounts.find_source_account))
    others = [make_scim(), make_scim()]
    found = at_once(
        lambda: others[0].patch(path, change | {"value": "Head"}, **version).status_code,
        lambda: others[1].patch(path, change | {"value": "Chief"}, **version).status_code,
    )
    assert sorted(found) == [204, 503]
    account.refresh_from_db()
    assert account.version == 2


def test_a_dry_run_waits_for_no_other_request():
    """A dry run of a Bulk request holds the locks of all operations until its end. If it waited for
    another one, the two could exclude each other.
    """
    roles = [Group.objects.create(name=name) for name in ("Readers", "Writers")]
    client = make_scim(roles=tuple(roles))
    members = [{"value": str(create_synced(client).pk)}]
    add = {"op": "add", "path": "members", "value": members}
    patch = {"schemas": [PATCH_SCHEMA], "Operations": [add]}
    operations = [
        {"method": "PATCH", "path": f"/Groups/{role.pk}", "data": patch} for role in roles
    ]
    sent = {"schemas": [BULK_SCHEMA], "Operations": operations}
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        list(Group.objects.select_for_update(no_key=True).filter(pk=roles[1].pk))
        asked = pool.submit(at_once, lambda: client.post("Bulk?dryRun=true", sent).json())
        [answer] = asked.result(timeout=30)
    found = answer["Operations"]
    assert [each["status"] for each in found] == ["200", "503"]
    assert found[1]["response"]["detail"] == LOCKED
    assert not Membership.objects.filter(group__in=roles).exists()


def test_a_deadlock_is_answered_by_503(monkeypatch):
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)

    def lock_none(*arguments: Any) -> Any:
        raise OperationalError from DeadlockDetected()

    monkeypatch.setattr(groups, "lock_role", lock_none)
    add = {"op": "add", "path": "members", "value": [{"value": str(account.pk)}]}
    answer = client.patch(f"Groups/{role.pk}", add)
    assert (answer.status_code, answer.json()["detail"]) == (503, LOCKED)
