"""The examples of RFC 7643 and RFC 7644 do what these say, and what is sent is read back."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group

from tests.scim import rfc_examples as examples
from tests.scim.builders import create_synced, make_scim
from users.models import State, User

pytestmark = pytest.mark.django_db
# What only the service sets.
OWN = {"id", "meta", "groups", "password"}


def filled(example: Any, **ids: Any) -> Any:
    """Returns an example with IDs in the place of its placeholders."""
    text = json.dumps(example)
    for name, pk in ids.items():
        text = text.replace(f"{{{name}}}", str(pk))
    return json.loads(text)


def sent_part(shown: dict[str, Any]) -> dict[str, Any]:
    """Returns what a client has sent of a resource that it reads."""
    return {name: value for name, value in shown.items() if name not in OWN}


def as_shown(sent: dict[str, Any]) -> dict[str, Any]:
    """Returns a sent resource as it is shown: usernames are stored in small letters, an account
    is active by default, unassigned attributes are left out, and a username that is an address is
    that of an account without emails.
    """
    values = {name: value for name, value in sent.items() if name not in OWN and value != []}
    defaults: dict[str, Any] = {"active": True}
    if "@" in sent["userName"]:
        defaults["emails"] = [{"value": sent["userName"], "type": "work", "primary": True}]
    return defaults | values | {"userName": sent["userName"].lower()}


def create(client: Any, body: dict[str, Any]) -> str:
    response = client.post("Users", body)
    assert response.status_code == 201, response.content
    return response.json()["id"]


@pytest.mark.parametrize("name", examples.CREATIONS)
def test_users_are_read_back_as_they_were_sent(name):
    client = make_scim()
    body = examples.CREATIONS[name]
    shown = client.get(f"Users/{create(client, body)}").json()
    assert sent_part(shown) == as_shown(body)


@pytest.mark.parametrize(
    "name", ["scim_rfc7643-8.1-user-minimal.json", "scim_rfc7643-8.2-user-full.json"]
)
def test_sample_files_are_read_back_as_they_were_sent(samples, name):
    client = make_scim()
    body = json.loads((samples / name).read_text())
    shown = client.get(f"Users/{create(client, body)}").json()
    assert sent_part(shown) == as_shown(body)
    replaced = client.put(f"Users/{shown['id']}", shown)
    assert (replaced.status_code, replaced.json()) == (200, shown)


def test_a_replacement_leaves_what_it_has():
    client = make_scim()
    path = f"Users/{create(client, examples.KNOWN_RESOURCE)}"
    assert client.put(path, examples.REPLACEMENT).status_code == 200
    assert sent_part(client.get(path).json()) == as_shown(examples.REPLACEMENT)


@pytest.mark.parametrize("name", examples.USER_PATCHES)
def test_changes_of_users(name):
    client = make_scim()
    # A username that is an address would have to stay that of the account.
    body = examples.FULL_USER | {"userName": "bjensen"}
    path = f"Users/{create(client, body)}"
    change, left = examples.USER_PATCHES[name]
    assert client.patch(path, change).status_code == 204
    assert sent_part(client.get(path).json()) == as_shown(body | left)


@pytest.mark.parametrize("name", examples.GROUP_PATCHES)
def test_changes_of_members(name):
    role = Group.objects.create(name="Tour Guides")
    client = make_scim(roles=(role,))
    ids = {key: create_synced(client).pk for key in ("user", "other")}
    role.user_set.add(ids["user"])
    changes, left = examples.GROUP_PATCHES[name]
    response = client.patch(f"Groups/{role.pk}", *filled(changes, **ids))
    assert response.status_code == 204, response.content
    shown = client.get(f"Groups/{role.pk}").json()
    assert shown["displayName"] == "Tour Guides"
    assert {each["value"] for each in shown.get("members", [])} == {str(ids[key]) for key in left}


def test_a_manager_is_named_by_a_bulk_id():
    client = make_scim()
    answers = client.post("Bulk", examples.MANAGER_BULK).json()["Operations"]
    assert [each["status"] for each in answers] == ["201", "201"]
    alice, bob = [each["location"].rpartition("/")[2] for each in answers]
    extension = client.get(f"Users/{bob}").json()[examples.ENTERPRISE]
    assert extension == {"employeeNumber": "11250", "manager": {"value": alice}}


def test_a_bulk_request_with_each_method():
    client = make_scim()
    ids = {key: create_synced(client, nickName="X").pk for key in ("user", "other", "third")}
    answers = client.post("Bulk", filled(examples.MIXED_BULK, **ids)).json()["Operations"]
    assert [each["status"] for each in answers] == ["201", "200", "200", "204"]
    assert answers[2]["version"] == 'W/"2"'
    names = dict(User.objects.filter(source="okta").values_list("username", "status"))
    deleted = User.objects.get(pk=ids["third"])
    assert names.keys() == {"alice", "bob", "dave", deleted.username}
    assert deleted.status == State.DELETED
    late = client.post("Bulk", filled(examples.MIXED_BULK, **ids)).json()["Operations"]
    assert [(each["status"], each["response"]["scimType"]) for each in late] == [
        ("409", "uniqueness")
    ]


def test_a_search_with_a_body_and_filters():
    client = make_scim()
    create_synced(client, userName="bjensen")
    for text, is_served in examples.FILTERS.items():
        response = client.get(f"Users?filter={quote(text)}")
        assert (response.status_code == 200) == is_served, (text, response.content)
    refused = client.post("Users/.search", examples.SEARCH_REQUEST)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    served = examples.SEARCH_REQUEST | {"filter": 'userName sw "bjen"'}
    found = client.post("Users/.search", served).json()
    assert [each["userName"] for each in found["Resources"]] == ["bjensen"]
    assert found["startIndex"] == 1


def test_errors_have_the_form_of_the_examples():
    client = make_scim()
    missing = client.get("Users/2819c223-7f76-453a-919d-413861904646")
    error = missing.json()
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (missing.status_code, error["status"]) == (404, "404")
    account = create_synced(client)
    change = {"op": "replace", "path": "id", "value": "7"}
    fixed = client.patch(f"Users/{account.pk}", change)
    assert (fixed.status_code, fixed.json()["scimType"]) == (400, "mutability")
