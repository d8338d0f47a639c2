"""The IDs that sources give to roles, as “externalId” of groups."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_superuser, make_user
from tests.scim.builders import SCOPES, ScimClient, create_synced, make_scim
from users.audit.models import AuditEvent
from users.fields import field_label
from users.scim.models import ProvisionedRole
from users.staff.roles.changes import delete_role

pytestmark = pytest.mark.django_db
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
READERS = "9f2c-readers"


def group_body(name: str = "Readers", **values: Any) -> dict[str, Any]:
    return {"schemas": [GROUP_SCHEMA], "displayName": name, "externalId": READERS} | values


def find_groups(client: ScimClient, filter_text: str) -> list[str]:
    answer = client.get(f"Groups?filter={quote(filter_text)}")
    assert answer.status_code == 200, answer.content
    return [each["displayName"] for each in answer.json()["Resources"]]


def external_ids() -> list[tuple[str, str, str]]:
    rows = ProvisionedRole.objects.order_by("pk")
    return list(rows.values_list("source", "role__name", "external_id"))


@pytest.fixture
def role() -> Group:
    return Group.objects.create(name="Readers")


@pytest.fixture
def client(role: Group) -> ScimClient:
    return make_scim(roles=(role, Group.objects.create(name="Writers")))


def test_a_provider_finds_links_and_unlinks_a_role_by_its_own_id(client, role):
    path = f"Groups/{role.pk}"
    assert find_groups(client, f'externalId eq "{READERS}"') == []
    before = client.get(path)
    assert "externalId" not in before.json()
    change = {"op": "add", "path": "externalId", "value": READERS}
    assert client.patch(path, change).status_code == 204
    linked = client.get(path)
    assert linked.json()["externalId"] == READERS
    assert linked["ETag"] != before["ETag"]
    assert find_groups(client, f'externalId eq "{READERS}"') == ["Readers"]
    assert find_groups(client, f'externalId eq "{READERS.upper()}"') == []
    assert client.get("Groups").json()["Resources"][0]["externalId"] == READERS
    moved = client.put(path, group_body(externalId="other"), **{"If-Match": linked["ETag"]})
    assert moved.json()["externalId"] == "other"
    assert client.patch(path, {"op": "remove", "path": "externalId"}).status_code == 204
    assert "externalId" not in client.get(path).json()
    assert external_ids() == []


def test_each_change_of_the_id_is_one_event(client, role):
    path = f"Groups/{role.pk}"
    for _ in range(2):
        client.put(path, group_body())
    client.put(path, group_body(externalId="other"))
    events = AuditEvent.objects.filter(action="role.changed").order_by("pk")
    values = [(each.before["external_id"], each.after["external_id"]) for each in events]
    assert values == [("", READERS), (READERS, "other")]
    last: Any = events.last()
    assert (last.after["role"], last.after["source"]) == ("Readers", "okta")
    assert last.reason == "Sent by okta."
    assert field_label("external_id") == "External ID"


def test_each_source_has_ids_of_its_own(client, role):
    other = make_scim("entra", roles=(role,))
    client.put(f"Groups/{role.pk}", group_body())
    assert find_groups(other, f'externalId eq "{READERS}"') == []
    assert "externalId" not in other.get(f"Groups/{role.pk}").json()
    other.put(f"Groups/{role.pk}", group_body())
    other.patch(f"Groups/{role.pk}", {"op": "remove", "path": "externalId"})
    assert external_ids() == [("okta", "Readers", READERS)]


def test_two_roles_of_a_source_have_different_ids(client, role):
    client.put(f"Groups/{role.pk}", group_body())
    writers = Group.objects.get(name="Writers")
    refused = client.put(f"Groups/{writers.pk}", group_body("Writers"))
    assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
    assert "externalId" in refused.json()["detail"]
    assert external_ids() == [("okta", "Readers", READERS)]


def test_a_new_group_with_the_name_of_a_role_links_it_and_takes_it_from_nobody(client, role):
    kept, added = create_synced(client), create_synced(client)
    kept.groups.add(role)
    created = client.post("Groups", group_body(members=[{"value": str(added.pk)}]))
    assert created.status_code == 201, created.content
    shown = created.json()
    assert (shown["id"], shown["externalId"]) == (str(role.pk), READERS)
    assert {each["value"] for each in shown["members"]} == {str(kept.pk), str(added.pk)}
    for again in (group_body(), group_body(externalId="other")):
        assert client.post("Groups", again).status_code == 409
    assert (
        client.post("Groups", {"schemas": [GROUP_SCHEMA], "displayName": "Writers"}).json()[
            "scimType"
        ]
        == "uniqueness"
    )


def test_a_new_group_links_no_role_that_the_token_does_not_offer(client):
    Group.objects.create(name="Hidden")
    for name in ("Viewer", "Hidden", "New"):
        refused = client.post("Groups", group_body(name))
        assert refused.status_code == 403
        assert "Rollcall" in refused.json()["detail"]
    assert external_ids() == []


def test_without_the_permission_to_change_roles_nothing_is_stored(role):
    scopes = tuple(name for name in SCOPES if name != "change_groups")
    client = make_scim(roles=(role,), scopes=scopes)
    assert client.put(f"Groups/{role.pk}", group_body()).status_code == 403
    assert client.post("Groups", group_body()).status_code == 403
    assert external_ids() == []
    assert AuditEvent.objects.filter(action="denied").count() == 2


@pytest.mark.parametrize("value", ["x" * 256, "a\u200bb", "a\x00b", 7, ["a"]])
def test_an_id_that_can_not_be_stored_is_named(client, role, value):
    refused = client.put(f"Groups/{role.pk}", group_body(externalId=value))
    assert refused.status_code == 400
    assert "externalid" in refused.json()["detail"].lower()
    assert external_ids() == []


def test_a_dry_run_links_nothing(client):
    asked = client.post("Groups?dryRun=true", group_body())
    assert asked.status_code == 201
    assert external_ids() == []


def test_the_id_goes_with_its_role(client, role):
    client.put(f"Groups/{role.pk}", group_body())
    delete_role(role, by=make_superuser(), reason="Unused")
    assert external_ids() == []


@pytest.mark.parametrize("query", ["", "?excludedAttributes=members"])
def test_a_list_takes_as_many_queries_for_one_role_as_for_several(role, query):
    few = make_scim(roles=(role,))
    many = make_scim(roles=tuple(Group.objects.create(name=f"Role {n}") for n in range(5)))
    counts = []
    for client in (few, many):
        create_synced(client).groups.add(*Group.objects.filter(permissions=None))
        client.get("Users")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"Groups{query}").json()["totalResults"] == (1, 5)[len(counts)]
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_filter_by_members_finds_only_accounts_of_the_source(client, role):
    own = create_synced(client)
    others = [create_synced(make_scim("entra")), make_user("Viewer", source="okta", is_staff=True)]
    for account in (own, *others):
        account.groups.add(role)
    found = {pk: find_groups(client, f'members eq "{pk}"') for pk in (own.pk, others[0].pk)}
    assert found == {own.pk: ["Readers"], others[0].pk: []}
    assert find_groups(client, f'members.value eq "{others[1].pk}"') == []
    assert find_groups(client, f'members eq "{own.pk}" and displayName eq "Writers"') == []


def test_groups_are_sorted_or_paged_to_their_end(client):
    names = ["Readers", "Writers"]
    for order, found in (("ascending", names), ("descending", names[::-1])):
        answer = client.get(f"Groups?sortBy=displayName&sortOrder={order}")
        assert [each["displayName"] for each in answer.json()["Resources"]] == found
    pages = []
    cursor = ""
    while cursor is not None:
        answer = client.get(f"Groups?count=1&cursor={cursor}").json()
        pages += [each["displayName"] for each in answer["Resources"]]
        cursor = answer.get("nextCursor")
    assert pages == names


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("sortBy=externalId", "invalidValue"),
        ("sortBy=displayName&cursor=", "invalidValue"),
        ("filter=externalId eq null", "invalidFilter"),
        ("filter=externalId pr", "invalidFilter"),
        ("filter=displayName co %22x%22", "invalidFilter"),
        ("filter=displayName eq %22a%00%22", "invalidFilter"),
    ],
)
def test_an_order_or_a_filter_of_groups_that_is_not_served_is_refused(client, query, kind):
    refused = client.get(f"Groups?{query}")
    assert (refused.status_code, refused.json()["scimType"]) == (400, kind)
    assert refused.json()["detail"]


def test_a_cursor_of_groups_belongs_to_its_source(client, role):
    cursor = client.get("Groups?count=1&cursor=").json()["nextCursor"]
    refused = make_scim("entra", roles=(role,)).get(f"Groups?count=1&cursor={cursor}")
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidCursor")
