"""Bad input gets a SCIM error that names the place, and nothing is applied."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group

from tests.scim.builders import BULK_SCHEMA, PATCH_SCHEMA, USER_SCHEMA, create_synced, make_scim
from users.models import User
from users.scim.models import ProvisioningRequest

pytestmark = pytest.mark.django_db
SEARCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
DEEP = '{"a":' * 50 + "1" + "}" * 50
USERS = [
    ('{"name": {"givenName": "a", "GIVENNAME": "b"}}', "GIVENNAME"),
    ('{"userName": "a", "name": ' + DEEP + "}", "name.a"),
    ('{"emails": [{"value": "a"}, {"value": "b\\u0000"}]}', "emails[1].value"),
    ('{"emails": [{"value": "\\ud800"}]}', "emails[0].value"),
    ('{"na\\u0000me": 1}', "character"),
    ('{"userName": 7}', "userName"),
    ('{"userName": null}', "userName"),
    ('{"userName": {"a": 1}}', "userName"),
    ('{"userName": "a", "emails": "a@example.com"}', "emails"),
    ('{"userName": "a", "active": "maybe"}', "active"),
    ('{"userName": "a", "name": []}', "name"),
    ('{"userName": "a", "title": 1e999}', ""),
    ('{"userName": ' + "9" * 5000 + "}", ""),
    ('{"userName": "' + "a" * 200_000 + '"}', "userName"),
    ('{"userName": "a b"}', "userName"),
    ('{"userName": "a", "emails": [{"value": "no address"}]}', "emails"),
    ('{"userName": "a", "nickName": "' + "a" * 20_000 + '"}', "16,000"),
]
PATCHES: list[tuple[Any, str]] = [
    ({}, "perations"),
    ({"Operations": {}}, "perations"),
    ({"Operations": [7]}, "perations"),
    ({"Operations": [{"op": "move", "path": "title"}]}, "move"),
    ({"Operations": [{"op": "replace", "path": "title"}]}, "value"),
    ({"Operations": [{"op": "remove"}]}, "path"),
    ({"Operations": [{"op": "add", "path": "emails[", "value": "a"}]}, "column 7"),
    ({"Operations": [{"op": "add", "path": "a\x00b", "value": "a"}]}, "path"),
    ({"Operations": [{"op": "add", "path": "id", "value": "a"}]}, "id"),
    ({"Operations": [{"op": "add", "path": "title", "value": {"a": 1}}]}, "title"),
    ({"Operations": [{"op": "replace", "path": "userName", "value": ""}]}, "userName"),
    ({"Operations": [{"op": "remove", "path": "userName"}]}, "required"),
    ({"Operations": [{"op": "remove", "path": "active"}]}, "active"),
    ({"Operations": [{"op": "replace", "path": "emails", "value": [{"value": "x"}]}]}, "emails"),
]
QUERIES = [
    ("count=many", "count"),
    ("startIndex=first", "startIndex"),
    ("startIndex=20000&count=1", "startIndex"),
    ("sortBy=title", "sortBy"),
    ("sortOrder=sideways", "sortOrder"),
    ("attributes=a%00b", "a"),
    ("cursor=&startIndex=1", "cursor"),
    ("cursor=abc", "Cursor"),
    (f"filter={quote('userName eq')}", ""),
    (f"filter={quote('userName eq 7')}", "userName"),
    (f"filter={quote(chr(0))}", ""),
    (f"filter={quote('userName co ' + json.dumps('a' + chr(0) + 'bcd'))}", ""),
    ("dryRun=perhaps", "dryRun"),
]


def assert_names(response: Any, place: str) -> None:
    error = response.json()
    assert response.status_code == 400, error
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert place in error["detail"], error


def test_bodies_of_users():
    client = make_scim()
    own = create_synced(client)
    number = User.objects.count()
    for text, place in USERS:
        body = f'{{"schemas": ["{USER_SCHEMA}"], {text[1:]}'.encode()
        assert_names(client.post("Users", body), place)
        assert_names(client.put(f"Users/{own.pk}", body), place)
        data = json.dumps([BULK_SCHEMA]).encode()
        operation = b'{"method": "POST", "path": "/Users", "bulkId": "a", "data": %s}' % body
        sent = b'{"schemas": %s, "Operations": [%s, %s]}' % (data, operation, operation)
        response = client.post("Bulk", sent)
        if response.status_code == 200:
            assert {each["status"] for each in response.json()["Operations"]} == {"400"}, text[:50]
        else:
            assert response.status_code == 400
    assert User.objects.count() == number
    own.refresh_from_db()
    assert own.version == 1


def test_bodies_of_changes():
    client = make_scim()
    own = create_synced(client, title="Head")
    for values, place in PATCHES:
        body = {"schemas": [PATCH_SCHEMA]} | values
        assert_names(client.send("PATCH", f"Users/{own.pk}", body), place)
        operation = {"method": "PATCH", "path": f"/Users/{own.pk}", "data": body}
        sent = {"schemas": [BULK_SCHEMA], "Operations": [operation, operation]}
        response = client.post("Bulk", sent)
        if response.status_code == 200:
            assert {each["status"] for each in response.json()["Operations"]} == {"400"}, values
        else:
            assert response.status_code == 400
    own.refresh_from_db()
    assert own.version == 1


def test_queries_and_searches():
    client = make_scim()
    for query, place in QUERIES:
        assert_names(client.get(f"Users?{query}"), place)
    for values in ({"count": "many"}, {"filter": 7}, {"sortBy": 7}, {"attributes": {"a": 1}}):
        (place,) = values
        body = {"schemas": [SEARCH_SCHEMA]} | values
        assert_names(client.post("Users/.search", body), place)


def test_a_cursor_of_another_source_is_refused():
    own, other = make_scim("okta"), make_scim("entra")
    for client in (own, other):
        for _ in range(2):
            create_synced(client)
    cursor = own.get("Users?count=1&cursor=").json()["nextCursor"]
    assert own.get(f"Users?count=1&cursor={cursor}").status_code == 200
    assert_names(other.get(f"Users?count=1&cursor={cursor}"), "cursor")


def test_ten_thousand_operations_are_refused_as_a_whole():
    client = make_scim()
    own = create_synced(client)
    operation = {"method": "DELETE", "path": f"/Users/{own.pk}"}
    response = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": [operation] * 10_000})
    assert response.status_code == 413
    assert "1000" in response.json()["detail"].replace(",", "")
    own.refresh_from_db()
    assert own.version == 1
    assert ProvisioningRequest.objects.latest("pk").status == 413


def test_one_bad_operation_of_a_bulk_request_is_named_and_the_others_run():
    client = make_scim()
    own = create_synced(client)
    path = f"/Users/{own.pk}"
    operations = [
        {"method": "DELETE", "path": path, "bulkId": "a\u202eb"},
        {"method": "FETCH", "path": path},
        {"method": "DELETE"},
        {"method": "DELETE", "path": 7},
        {"method": "DELETE", "path": "/Users"},
        {"method": "DELETE", "path": "/nothing/1"},
        {"method": "DELETE", "path": "/Me"},
        {"method": "DELETE", "path": f"{path}/x"},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "x"},
        {"method": "PATCH", "path": "/Users/bulkId:none", "data": {}},
        {"method": "PUT", "path": path, "data": []},
    ]
    sent = {"schemas": [BULK_SCHEMA], "Operations": operations}
    response = client.post("Bulk", sent)
    assert response.status_code == 200, response.content
    first, *others = response.json()["Operations"]
    assert first["status"] == "204"
    assert all(400 <= int(each["status"]) < 500 for each in others), others
    assert all(each["response"]["detail"] for each in others)
    for bad in (7, {"a": 1}, "x"):
        refused = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": bad})
        assert refused.status_code == 400
    refused = client.post("Bulk", sent | {"failOnErrors": "many"})
    assert_names(refused, "failOnErrors")


def test_members_that_are_none():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    for value in ("x", "", "0", "-1", "9" * 30, "１", "bulkId:a"):
        change = {"op": "add", "path": "members", "value": [{"value": value}]}
        assert_names(client.patch(f"Groups/{role.pk}", change), "members")
    assert not role.user_set.exists()
