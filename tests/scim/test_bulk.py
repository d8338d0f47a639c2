"""Bulk requests over SCIM, and Users and Groups that are no single accounts."""

import json

import pytest
from django.contrib.auth.models import Group, Permission

from tests.scim.builders import BULK_SCHEMA, create_synced, make_scim, user_body
from users.audit.models import AuditEvent
from users.models import State, User

pytestmark = pytest.mark.django_db


def bulk(client, *operations, **values):
    body = {"schemas": [BULK_SCHEMA], "Operations": list(operations)} | values
    return client.post("Bulk", body)


def creation(bulk_id: str, **values):
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": user_body(**values)}


def statuses(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [str(each["status"]) for each in response.json()["Operations"]]


def test_each_operation_stands_for_itself():
    client = make_scim()
    there = create_synced(client)
    removal = {"method": "DELETE", "path": f"/Users/{there.pk}"}
    again = creation("a", userName="first.one")
    response = bulk(client, again, creation("b", userName="first.one"), removal)
    assert statuses(response) == ["201", "409", "204"]
    there.refresh_from_db()
    assert there.status == State.DELETED
    assert User.objects.filter(username="first.one").count() == 1


def test_fail_on_errors_stops():
    client = make_scim()
    bad = {"method": "DELETE", "path": "/Users/999999"}
    response = bulk(client, bad, creation("a", userName="never.made"), failOnErrors=1)
    assert statuses(response) == ["404"]
    assert not User.objects.filter(username="never.made").exists()


def test_a_new_member_is_named_by_its_bulk_id():
    role = Group.objects.create(name="Staff club")
    client = make_scim(roles=(role,))
    patch = {
        "method": "PATCH",
        "path": f"/Groups/{role.pk}",
        "data": {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:new"}]}],
        },
    }
    assert statuses(bulk(client, patch, creation("new", userName="club.member"))) == ["200", "201"]
    assert list(role.user_set.values_list("username", flat=True)) == ["club.member"]


def test_too_many_operations_are_refused_as_a_whole():
    response = bulk(make_scim(), *[{"method": "DELETE", "path": "/Users/1"}] * 1001)
    assert response.status_code == 413


def test_a_body_larger_than_a_form_is_read():
    body = {"schemas": [BULK_SCHEMA], "Operations": [creation("a", userName="first.one")]}
    response = make_scim().post("Bulk", json.dumps(body).encode() + b" " * 3_000_000)
    assert statuses(response) == ["201"]


def test_members_are_changed_with_events():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)
    path = f"Groups/{role.pk}"
    member = [{"value": str(account.pk)}]
    added = client.patch(path, {"op": "Add", "path": "members", "value": member})
    assert added.status_code == 204, added.content
    assert client.get(f"Users/{account.pk}").json()["groups"][0]["display"] == "Readers"
    before = client.get(path)
    assert before.json()["members"][0]["value"] == str(account.pk)
    assert "members" not in client.get(f"{path}?excludedAttributes=members").json()
    removed = client.patch(path, {"op": "remove", "path": f'members[value eq "{account.pk}"]'})
    assert removed.status_code == 204
    assert client.get(path)["ETag"] != before["ETag"]
    events = AuditEvent.objects.filter(target_id=account.pk, action__startswith="account.groups")
    assert events.count() == 2


def test_entra_removes_members_by_value():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)
    account.groups.add(role)
    member = [{"value": str(account.pk)}]
    client.patch(f"Groups/{role.pk}", {"op": "Remove", "path": "members", "value": member})
    assert not role.user_set.exists()


def test_a_token_gives_no_role_with_permissions_and_none_out_of_scope():
    strong, weak = Group.objects.get(name="Viewer"), Group.objects.create(name="Weak")
    granted = Group.objects.create(name="Later strong")
    client = make_scim(roles=(granted,))
    granted.permissions.add(Permission.objects.get(codename="view_user"))
    account = create_synced(client)
    change = {"op": "add", "path": "members", "value": [{"value": str(account.pk)}]}
    for role in (strong, weak, granted):
        assert client.patch(f"Groups/{role.pk}", change).status_code == 404
    assert client.get("Groups").json()["totalResults"] == 0
    assert not account.groups.exists()


def test_members_of_other_sources_are_refused():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    stranger = create_synced(make_scim("entra"))
    change = {"op": "add", "path": "members", "value": [{"value": str(stranger.pk)}]}
    assert client.patch(f"Groups/{role.pk}", change).status_code == 400
    assert not role.user_set.exists()


def test_roles_are_neither_created_nor_renamed_nor_deleted():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    schema = "urn:ietf:params:scim:schemas:core:2.0:Group"
    created = client.post("Groups", {"schemas": [schema], "displayName": "New"})
    renamed = client.patch(
        f"Groups/{role.pk}", {"op": "replace", "path": "displayName", "value": "X"}
    )
    deleted = client.delete(f"Groups/{role.pk}")
    codes = [answer.status_code for answer in (created, renamed, deleted)]
    assert codes == [403, 400, 403]
    assert find_by_name(client, "readers") == 1


def find_by_name(client, name: str) -> int:
    answer = client.get(f'Groups?filter=displayName eq "{name}"&excludedAttributes=members')
    return answer.json()["totalResults"]
