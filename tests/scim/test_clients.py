"""Sequences of requests as Okta and Microsoft Entra send them, and hostile bodies."""

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_users
from tests.scim.builders import PATCH_SCHEMA, USER_SCHEMA, create_synced, make_scim, user_body
from users.audit.models import AuditEvent
from users.models import State, User
from users.scim.models import ProvisioningRequest

pytestmark = pytest.mark.django_db
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_okta_looks_first_creates_and_deactivates_by_replacing():
    role = Group.objects.create(name="Okta people")
    client = make_scim("okta", roles=(role,))
    body = user_body(displayName="Ada Byron", locale="en-US", groups=[])
    looked = client.get(f'Users?filter=userName eq "{body["userName"]}"&startIndex=1&count=100')
    assert looked.json()["totalResults"] == 0
    created = client.post("Users", body).json()
    path = f"Users/{created['id']}"
    assert client.get(path).json()["displayName"] == "Ada Byron"
    replaced = client.put(path, body | {"id": created["id"], "active": False})
    assert (replaced.status_code, replaced.json()["active"]) == (200, False)
    account = User.objects.get(pk=created["id"])
    assert account.status == State.SUSPENDED
    back = client.put(path, body | {"id": created["id"], "active": True})
    assert back.json()["active"] is True
    nothing = {"schemas": [PATCH_SCHEMA], "Operations": []}
    assert client.send("PATCH", f"Groups/{role.pk}", nothing).status_code == 204
    members = {"op": "replace", "value": {"id": str(role.pk), "displayName": role.name}}
    assert client.patch(f"Groups/{role.pk}", members).status_code == 204


def test_entra_sends_capital_operations_texts_for_flags_and_paths_as_keys():
    client = make_scim("entra")
    body = user_body(**{ENTERPRISE: {"employeeNumber": "17", "department": "Research"}})
    body["active"] = "True"
    created = client.post("Users", body)
    assert created.status_code == 201, created.content
    path = f"Users/{created.json()['id']}"
    changes = [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada.new@example.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "+1 202 555 0170"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "4711"},
        {"op": "Add", "value": {"name.familyName": "King", "nickName": "Ada"}},
    ]
    assert client.patch(path, *changes).status_code == 204
    account = User.objects.get(pk=created.json()["id"])
    assert (account.status, account.email) == (State.SUSPENDED, "ada.new@example.com")
    assert (account.last_name, account.phone) == ("King", "+12025550170")
    shown = client.get(path).json()
    assert shown["nickName"] == "Ada"
    assert shown[ENTERPRISE]["department"] == "Sales"
    assert shown[ENTERPRISE]["manager"]["value"] == "4711"
    client.patch(path, {"op": "Replace", "value": {"active": "True"}})
    assert client.get(path).json()["active"] is True


def test_entra_removes_members_with_an_empty_reference_and_asks_for_them():
    role = Group.objects.create(name="Entra people")
    client = make_scim("entra", roles=(role,))
    account = create_synced(client)
    path = f"Groups/{role.pk}"
    asked = f'Groups?filter=id eq "{role.pk}" and members eq "{account.pk}"&attributes=id'
    member = {"$ref": None, "value": str(account.pk), "display": "Ada"}
    for op, found in (("Add", 1), ("Remove", 0)):
        change = {"op": op, "path": "members", "value": [member]}
        assert client.patch(path, change).status_code == 204
        assert client.get(asked).json()["totalResults"] == found
    assert not account.groups.exists()
    everybody = {"op": "Remove", "path": "members", "value": [{"$ref": None}]}
    assert client.patch(path, everybody).status_code == 400


def make_synced(source: str, count: int) -> list[str]:
    """Returns the IDs of new accounts of a source."""
    accounts = make_users(count)
    User.objects.filter(pk__in=[each.pk for each in accounts]).update(source=source)
    return [str(each.pk) for each in accounts]


def member_events(action: str) -> int:
    return AuditEvent.objects.filter(action=f"account.groups_{action}").count()


def test_okta_pushes_a_group_of_a_hundred_and_removes_members_by_filters():
    role = Group.objects.create(name="Okta people")
    client = make_scim("okta", roles=(role,))
    ids = make_synced("okta", 101)
    path = f"Groups/{role.pk}"
    group = {"schemas": [GROUP_SCHEMA], "displayName": role.name}
    pushed = group | {"externalId": "00g1", "members": [{"value": ids[0], "display": "ada"}]}
    assert client.post("Groups", pushed).status_code == 201
    renamed = {"op": "replace", "value": {"id": str(role.pk), "displayName": role.name}}
    members = [{"value": pk, "display": "Ada"} for pk in ids]
    added = {"op": "add", "path": "members", "value": members}
    assert client.patch(path, renamed, added).status_code == 204
    removals = [{"op": "remove", "path": f'members[value eq "{pk}"]'} for pk in ids[:40]]
    assert client.patch(path, *removals).status_code == 204
    shown = client.get(path).json()
    assert {each["value"] for each in shown["members"]} == set(ids[40:])
    replaced = client.put(path, pushed | {"members": members[:50]})
    assert {each["value"] for each in replaced.json()["members"]} == set(ids[:50])
    assert (member_events("added"), member_events("removed")) == (101 + 40, 40 + 51)


def test_entra_sends_a_hundred_members_in_a_request():
    role = Group.objects.create(name="Entra people")
    client = make_scim("entra", roles=(role,))
    ids = make_synced("entra", 100)
    found = client.get(f'Groups?excludedAttributes=members&filter=displayName eq "{role.name}"')
    path = f"Groups/{found.json()['Resources'][0]['id']}"
    members = [{"$ref": None, "value": pk} for pk in ids]
    for op, action, left in (("Add", "added", 100), ("Remove", "removed", 0)):
        for _ in range(2):
            change = {"op": op, "path": "members", "value": members}
            assert client.patch(path, change).status_code == 204
        assert (member_events(action), role.user_set.count()) == (100, left)


@pytest.mark.parametrize("manager", [{"value": "4711"}, "4711"])
def test_a_manager_needs_no_reference(manager):
    client = make_scim("entra")
    account = create_synced(client, **{ENTERPRISE: {"manager": manager}})
    path = f"Users/{account.pk}"
    shown = client.get(path).json()
    assert shown[ENTERPRISE]["manager"] == {"value": "4711"}
    assert client.put(path, shown).status_code == 200
    change = {"op": "Replace", "value": {f"{ENTERPRISE}:manager": "4712"}}
    assert client.patch(path, change).status_code == 204
    shown = client.get(path).json()
    assert shown[ENTERPRISE]["manager"] == {"value": "4712"}
    assert client.put(path, shown).json()[ENTERPRISE] == shown[ENTERPRISE]


def test_entra_asks_for_a_manager_by_one_account():
    client = make_scim("entra")
    account = create_synced(client, **{ENTERPRISE: {"manager": {"value": "4711"}}})
    for name in ("manager", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"):
        for value, found in (("4711", 1), ("4712", 0)):
            asked = f'id eq "{account.pk}" and {name} eq "{value}"'
            answer = client.get(f"Users?filter={asked}&attributes=id")
            assert answer.json().get("totalResults") == found, answer.content
    body = {"filter": f'id eq "{account.pk}" and manager eq "4711"'}
    assert client.post("Users/.search", body).json()["totalResults"] == 1
    quoted = client.get('Users?filter=userName eq "a manager eq b"')
    assert quoted.json()["totalResults"] == 0


def test_values_in_another_form_are_kept_and_the_fields_stay_empty():
    client = make_scim()
    phones = [{"value": "extension 12", "type": "work"}]
    account = create_synced(client, locale="English", timezone="(GMT+1)", phoneNumbers=phones)
    assert (account.locale, account.time_zone, account.phone) == ("", "", "")
    shown = client.get(f"Users/{account.pk}").json()
    assert (shown["locale"], shown["timezone"]) == ("English", "(GMT+1)")
    assert shown["phoneNumbers"] == phones
    client.patch(f"Users/{account.pk}", {"op": "replace", "path": "locale", "value": "en"})
    account.refresh_from_db()
    assert account.locale == "en"


def test_a_patch_is_applied_as_a_whole_or_not_at_all():
    client = make_scim()
    account = create_synced(client)
    changes = [
        {"op": "replace", "path": "name.familyName", "value": "King"},
        {"op": "replace", "path": "emails", "value": [{"value": "no address"}]},
    ]
    assert client.patch(f"Users/{account.pk}", *changes).status_code == 400
    account.refresh_from_db()
    assert (account.last_name, account.version) == ("Byron", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"userName": NaN}',
        b'{"userName": "a", "username": "b"}',
        b"[" * 100_000,
        b'{"a":' * 50 + b"1" + b"}" * 50,
        rb'{"schemas": ["%s"], "userName": "a\u0000b"}' % USER_SCHEMA.encode(),
        rb'{"schemas": ["%s"], "userName": "a\ud800b"}' % USER_SCHEMA.encode(),
        b'{"schemas": ["%s"], "userName": 7}' % USER_SCHEMA.encode(),
        b'{"schemas": ["%s"], "userName": ["a"]}' % USER_SCHEMA.encode(),
        b'{"schemas": ["%s"]}' % USER_SCHEMA.encode(),
        b'{"schemas": ["urn:nothing"], "userName": "x.y"}',
        b'{"schemas": ["%s"], "userName": "e.f", "emails": ["x"]}' % USER_SCHEMA.encode(),
    ],
)
def test_a_hostile_body_is_refused_with_a_sentence(body):
    client = make_scim()
    response = client.post("Users", body)
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/scim+json"
    assert response.json()["detail"]
    assert ProvisioningRequest.objects.get().status == 400


def test_bodies_have_a_limit_and_are_json():
    client = make_scim()
    huge = b'{"userName": "' + b"a" * (4 * 1024 * 1024) + b'"}'
    assert client.post("Users", huge).status_code == 413
    text = client.client.post(
        "/scim/v2/Users", b"a=1", content_type="text/plain", headers=client.headers
    )
    assert text.status_code == 415


@pytest.mark.parametrize("path", ["Me", "nothing", "Users/1/2", "Schemas/nothing", ""])
def test_other_paths_are_errors_of_scim(path):
    response = make_scim().get(path)
    assert response.status_code in (404, 501)
    assert response.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_methods_that_a_path_lacks():
    client = make_scim()
    assert client.delete("Users").status_code == 405
    assert client.put("ServiceProviderConfig", {}).status_code == 405


def test_discovery_says_what_is_served():
    client = make_scim()
    config = client.get("ServiceProviderConfig").json()
    assert config["bulk"]["maxOperations"] == 1000
    assert config["pagination"]["cursor"] is True
    assert config["etag"]["supported"] is True
    types = client.get("ResourceTypes").json()["Resources"]
    assert [each["name"] for each in types] == ["User", "Group"]
    schemas = [each["id"] for each in client.get("Schemas").json()["Resources"]]
    assert USER_SCHEMA in schemas
    assert client.get(f"Schemas/{USER_SCHEMA}").status_code == 200
