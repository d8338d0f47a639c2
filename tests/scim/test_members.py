"""Changes of the members of a group, which are stored together."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import make_superuser, make_user
from tests.scim.builders import ScimClient, create_synced, make_scim
from tests.threads import at_once
from users import access
from users.audit.models import AuditEvent
from users.models import State, User
from users.role_grants import Membership
from users.role_models import RoleGrant
from users.scim import bulk_run, groups
from users.scim.models import ProvisioningRequest
from users.scim.scope import source_access
from users.sessions.models import Session
from users.sessions.store import RENEWAL_KEY
from users.tokens.models import ApiToken
from users.verbs.role_addition.verb import add_roles
from users.verbs.role_removal.verb import remove_roles

pytestmark = pytest.mark.django_db
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
EVENT_COLUMNS = (
    *("action", "actor_id", "actor_text", "target_id", "target_text", "target_version"),
    *("before", "after", "reason", "ticket"),
)
GRANT_COLUMNS = ("account_id", "group_id", "by_id", "by_text", "until", "reason", "ticket")


def make_members(count: int, **values: Any) -> list[User]:
    return [make_user(source="okta", **values) for _ in range(count)]


def member_values(accounts: list[User]) -> list[dict[str, str]]:
    return [{"value": str(account.pk)} for account in accounts]


def change(op: str, accounts: list[User]) -> dict[str, Any]:
    return {"op": op, "path": "members", "value": member_values(accounts)}


def group_body(role: Group, accounts: list[User], **more: Any) -> dict[str, Any]:
    members = member_values(accounts)
    return {"schemas": [GROUP_SCHEMA], "displayName": role.name, "members": members} | more


def member_ids(role: Group) -> set[int]:
    return set(Membership.objects.filter(group=role).values_list("user_id", flat=True))


def ids_of(accounts: list[User]) -> set[int]:
    return {account.pk for account in accounts}


@pytest.fixture
def role() -> Group:
    return Group.objects.create(name="Readers")


@pytest.fixture
def client(role: Group) -> ScimClient:
    found = make_scim(roles=(role,))
    # The first request records the use of the token.
    found.get("Users?count=1")
    return found


def left_behind(run: Any) -> dict[str, Any]:
    """Returns what a change leaves, which is then undone."""
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    with transaction.atomic():
        run()
        left = {
            "accounts": list(User.objects.order_by("pk").values()),
            "members": sorted(Membership.objects.values_list("user_id", "group_id")),
            "grants": sorted(RoleGrant.objects.values_list(*GRANT_COLUMNS)),
            "events": list(
                AuditEvent.objects.filter(pk__gt=newest).order_by("pk").values_list(*EVENT_COLUMNS)
            ),
            "renewed": {
                row.account_id for row in Session.objects.all() if RENEWAL_KEY in row.get_decoded()
            },
        }
        transaction.set_rollback(True)
    for row in left["accounts"]:
        del row["updated_at"]
    return left


def test_members_change_together_as_one_by_one(client, role):
    accounts = make_members(5)
    other = Group.objects.create(name="Audience")
    for account in accounts[:2]:
        account.groups.add(role, other)
    accounts[3].groups.add(other)
    for account in (accounts[0], accounts[3], accounts[3]):
        Client().force_login(account)
    token = ApiToken.objects.get()
    actor = source_access(token, access_viewer(token)).viewer
    reason = "Sent by okta."

    def one_by_one() -> None:
        for account in accounts[2:]:
            add_roles(account, by=actor, groups=[role], reason=reason)
        for account in accounts[:2]:
            remove_roles(account, by=actor, groups=[role], reason=reason)

    def together() -> None:
        answer = client.put(f"Groups/{role.pk}", group_body(role, accounts[2:]))
        assert answer.status_code == 200, answer.content

    left = left_behind(together)
    assert left == left_behind(one_by_one)
    assert len(left["events"]) == 5
    assert left["renewed"] == {accounts[3].pk}
    account = left["accounts"][-1]
    assert (account["id"], account["version"]) == (accounts[4].pk, 2)


def access_viewer(token: ApiToken) -> Any:
    """Returns the holder as requests see it."""
    viewer = User.objects.get(pk=token.holder_id)
    viewer.acts_by = str(token)
    return viewer


def measured(send: Any, status: int) -> int:
    """Returns the number of statements of a request."""
    with CaptureQueriesContext(connection) as queries:
        answer = send()
    assert answer.status_code == status, answer.content
    return len(queries)


def count_statements(number: int) -> dict[str, int]:
    """Returns the statements of each kind of request about so many members."""
    role = Group.objects.create(name=f"Readers {number}")
    client = make_scim(roles=(role,))
    client.get("Users?count=1")
    path = f"Groups/{role.pk}"
    first, second = make_members(number), make_members(number)
    for account in first:
        Client().force_login(account)
    return {
        "PATCH adds": measured(lambda: client.patch(path, change("add", first)), 204),
        "PATCH again": measured(lambda: client.patch(path, change("add", first)), 204),
        "PUT exchanges": measured(lambda: client.put(path, group_body(role, second)), 200),
        "PATCH removes": measured(lambda: client.patch(path, change("remove", second)), 204),
        "POST links": measured(
            lambda: client.post("Groups", group_body(role, first, externalId=role.name)), 201
        ),
        "PATCH empties": measured(
            lambda: client.patch(path, {"op": "remove", "path": "members"}), 204
        ),
    }


def test_statements_do_not_grow_with_the_members():
    few, many = count_statements(2), count_statements(20)
    assert few == many
    assert max(many.values()) <= 45, many
    assert AuditEvent.objects.filter(action="account.groups_added").count() == 3 * 22


def members_after(client: ScimClient, role: Group, *operations: dict[str, Any]) -> set[int]:
    """Returns the members after a PATCH, which is then undone."""
    with transaction.atomic():
        answer = client.patch(f"Groups/{role.pk}", *operations)
        assert answer.status_code in (200, 204), answer.content
        found = member_ids(role)
        transaction.set_rollback(True)
    return found


def test_a_patch_of_members_is_what_it_is_with_all_members_read(client, role, monkeypatch):
    there, gone, new, other = make_members(4)
    role.user_set.add(there, gone)
    stranger = make_user(source="entra")
    role.user_set.add(stranger)
    by_filter = {"op": "remove", "path": f'members[value eq "{gone.pk}"]'}
    urn = {"op": "Add", "path": f"{GROUP_SCHEMA}:members", "value": member_values([new])}
    sequences = [
        [change("add", [there, new])],
        [change("Add", [new]), change("Remove", [new, gone])],
        [change("remove", [there]), change("add", [there])],
        [by_filter, urn],
        [change("remove", [new, stranger])],
        [{"op": "remove", "path": 'members[value eq "x"]'}],
        [{"op": "add", "path": "members", "value": member_values([other])[0]}],
        [{"op": "add", "path": "members", "value": [{"value": str(new.pk), "display": "Ada"}]}],
        [{"op": "remove", "path": "members", "value": [{"type": "User"}]}],
        [{"op": "replace", "path": "members", "value": member_values([new])}],
        [{"op": "add", "value": {"members": member_values([new])}}],
        [change("add", [new]), {"op": "replace", "path": "externalId", "value": "x"}],
        [{"op": "remove", "path": "members"}],
    ]
    fast = [members_after(client, role, *operations) for operations in sequences]
    monkeypatch.setattr(bulk_run, "read_member_delta", lambda patch: None)
    assert fast == [members_after(client, role, *operations) for operations in sequences]
    assert all(stranger.pk in found for found in fast)
    assert len({tuple(sorted(found)) for found in fast}) > 5


def test_other_members_are_not_read(client, role):
    role.user_set.add(*make_members(5))
    account = make_members(1)[0]
    path = f"Groups/{role.pk}"
    with CaptureQueriesContext(connection) as queries:
        answer = client.patch(path, change("add", [account]))
    assert answer.status_code == 204
    assert answer["ETag"] == client.get(path)["ETag"]
    listing = [
        each["sql"] for each in queries if 'ORDER BY "users_user_groups"."user_id"' in each["sql"]
    ]
    assert listing == []
    asked = client.patch(f"{path}?attributes=members", change("remove", [account])).json()
    assert len(asked["members"]) == 5


@pytest.mark.parametrize("value", [None, 7, {}, [], [7], [{"value": 7}], [{"value": None}], "17"])
def test_members_that_are_no_members_are_refused_or_nothing(client, role, value):
    for op in ("add", "remove"):
        answer = client.patch(f"Groups/{role.pk}", {"op": op, "path": "members", "value": value})
        assert answer.status_code in (204, 400), answer.content
    assert member_ids(role) == set()


def test_members_that_are_there_already_get_no_event(client, role):
    accounts = make_members(3)
    path = f"Groups/{role.pk}"
    client.patch(path, change("add", accounts))
    before = client.get(path)
    count = AuditEvent.objects.count()
    assert client.patch(path, change("add", accounts)).status_code == 204
    assert client.put(path, group_body(role, accounts)).status_code == 200
    assert client.patch(path, change("remove", make_members(2))).status_code == 204
    assert client.get(path)["ETag"] == before["ETag"]
    assert AuditEvent.objects.count() == count
    assert set(User.objects.filter(source="okta").values_list("version", flat=True)) == {1, 2}
    assert User.objects.filter(pk__in=ids_of(accounts), version=2).count() == 3


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_an_error_names_the_members_that_do_not_exist(client, role, method):
    accounts = make_members(2)
    gone = make_members(1, status=State.DELETED, deleted_at="2026-01-01T00:00:00Z")[0]
    values = [*member_values(accounts), *[{"value": str(pk)} for pk in (gone.pk, 999_999)]]
    body = group_body(role, [], members=values, externalId="x")
    path = f"Groups/{role.pk}"
    send = {
        "PATCH": lambda: client.patch(path, {"op": "add", "path": "members", "value": values}),
        "PUT": lambda: client.put(path, body),
        "POST": lambda: client.post("Groups", body),
    }
    refused = send[method]()
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    expected = f"members: there are no users {gone.pk} and 999999 in this source."
    assert refused.json()["detail"] == expected
    assert member_ids(role) == set()
    assert not AuditEvent.objects.filter(action__startswith="account.groups").exists()


def test_an_error_names_members_that_are_no_ids_and_not_hundreds(client, role):
    path = f"Groups/{role.pk}"
    bad = [{"value": "ada@example.com"}, {"value": "x" * 1000}]
    refused = client.patch(path, {"op": "add", "path": "members", "value": bad})
    detail = refused.json()["detail"]
    assert (refused.status_code, detail) == (
        400,
        f"members: there are no users “ada@example.com” and “{'x' * 40}” in this source.",
    )
    many = [{"value": str(pk)} for pk in range(900_000, 900_100)]
    refused = client.patch(path, {"op": "add", "path": "members", "value": many})
    assert "900019 and 80 more in this source." in refused.json()["detail"]
    assert "900020" not in refused.json()["detail"]
    # The log keeps no value.
    logged = ProvisioningRequest.objects.filter(status=400).order_by("pk")[0]
    assert "ada" not in logged.error


def test_members_above_the_token_are_named_and_nobody_is_changed(client, role):
    accounts = make_members(4)
    above = accounts[1:3]
    for account in above:
        account.groups.add(Group.objects.get(name="Administrator"))
    refused = client.patch(f"Groups/{role.pk}", change("add", accounts))
    reason = access.MORE_PERMISSIONS_REFUSAL.reason
    named = f"members {above[0].pk} and {above[1].pk}: {reason}"
    assert (refused.status_code, refused.json()["detail"]) == (403, named)
    assert member_ids(role) == set()
    denied: Any = AuditEvent.objects.get(action="denied")
    assert (denied.target_id, denied.reason) == (above[0].pk, reason)


def test_a_role_that_gets_a_permission_before_it_is_locked_is_not_given(client, role, monkeypatch):
    accounts = make_members(1)
    find = groups.lock_role

    def lock_later(*arguments: Any) -> Any:
        role.permissions.add(Permission.objects.get(codename="view_user"))
        return find(*arguments)

    monkeypatch.setattr(groups, "lock_role", lock_later)
    assert client.patch(f"Groups/{role.pk}", change("add", accounts)).status_code == 404
    assert member_ids(role) == set()


def test_an_account_that_becomes_staff_before_it_is_locked_is_refused(client, role, monkeypatch):
    accounts = make_members(2)
    find = groups.lock_role

    def lock_later(*arguments: Any) -> Any:
        User.objects.filter(pk=accounts[0].pk).update(is_staff=True)
        return find(*arguments)

    monkeypatch.setattr(groups, "lock_role", lock_later)
    refused = client.patch(f"Groups/{role.pk}", change("add", accounts))
    assert f"no user {accounts[0].pk} in" in refused.json()["detail"]
    assert member_ids(role) == set()


def test_a_dry_run_and_a_stale_version_change_nobody(client, role):
    accounts = make_members(3)
    path = f"Groups/{role.pk}"
    stale = {"If-Match": client.get(path)["ETag"]}
    assert client.patch(f"{path}?dryRun=true", change("add", accounts)).status_code == 204
    assert member_ids(role) == set()
    client.patch(path, change("add", accounts[:1]))
    assert client.patch(path, change("add", accounts), **stale).status_code == 412
    assert member_ids(role) == ids_of(accounts[:1])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("approval", ["off", "on"])
def test_staff_who_give_the_role_meanwhile_and_the_source_wait_for_no_other(
    monkeypatch, settings, approval
):
    """Staff lock the account before they refer to the role; a source has locked the role."""
    settings.ADMINISTRATOR_APPROVAL = approval
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    accounts = [create_synced(client) for _ in range(2)]
    staff = make_superuser()
    lock = groups.lock_role
    given: list[Any] = []

    def give() -> User:
        with transaction.atomic(), connection.cursor() as cursor:
            # Locks that exclude each other end here, as the request waits for this thread.
            cursor.execute("SET LOCAL lock_timeout = '20s'")
            return add_roles(accounts[0], by=staff, groups=[role])

    def lock_and_give(*arguments: Any) -> Any:
        locked = lock(*arguments)
        given.extend(at_once(give))
        return locked

    monkeypatch.setattr(groups, "lock_role", lock_and_give)
    answer = client.patch(f"Groups/{role.pk}", change("add", accounts))
    assert answer.status_code == 204, answer.content
    assert isinstance(given[0], User), given
    assert member_ids(role) == ids_of(accounts)
    events = AuditEvent.objects.filter(action="account.groups_added")
    assert sorted(events.values_list("target_id", flat=True)) == sorted(ids_of(accounts))
