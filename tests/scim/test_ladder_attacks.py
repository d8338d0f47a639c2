"""Attacks by which a provisioning token reaches for accounts and roles that are not its own, as one
table: each request, tried on each kind of account that the token may not touch.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from tests.account_rows import row
from tests.builders import make_superuser, make_user
from tests.scim.builders import BULK_SCHEMA, PATCH_SCHEMA, create_synced, make_scim, user_body
from tests.tokens.builders import make_service
from users.models import State, User
from users.tokens.models import ApiToken

pytestmark = pytest.mark.django_db
OWN = {"source": "okta"}
DEACTIVATION = {"op": "replace", "path": "active", "value": False}
DELETED = {"status": State.DELETED, "deleted_at": timezone.now()}
# Accounts that a token of the source “okta” with the domain example.com may not touch.
TARGETS: dict[str, Callable[[], User]] = {
    "staff": lambda: make_user("Viewer", is_staff=True, **OWN),
    "a superuser": lambda: make_superuser(**OWN),
    "a service account": lambda: make_service("Viewer", **OWN),
    "another source": lambda: make_user(source="entra"),
    "no source": make_user,
    "another domain": lambda: make_user(email="ada@example.org", **OWN),
    "deleted elsewhere": lambda: make_user(source="entra", **DELETED),
    "deleted staff": lambda: make_user("Viewer", is_staff=True, **OWN, **DELETED),
    "erased": lambda: make_user(
        email="",
        status=State.ERASED,
        deleted_at=timezone.now(),
        **OWN,
    ),
}


def bulk(client: Any, method: str, path: str, data: Any = None, **more: Any) -> int:
    """Returns the status of an operation that is sent in a Bulk request with another one, so that
    both may be stored together.
    """
    operation = {"method": method, "path": path} | ({"data": data} if data else {}) | more
    operations = [operation, operation | ({"bulkId": "second"} if more else {})]
    response = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations})
    first, second = response.json()["Operations"]
    assert first["status"] == second["status"]
    return int(first["status"])


def patch_data(*changes: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_SCHEMA], "Operations": list(changes)}


def add_member(client: Any, target: User) -> int:
    change = {"op": "add", "path": "members", "value": [{"value": str(target.pk)}]}
    return client.patch(f"Groups/{role().pk}", change).status_code


def add_member_by_bulk(client: Any, target: User) -> int:
    change = {"op": "replace", "path": "members", "value": [{"value": str(target.pk)}]}
    return bulk(client, "PATCH", f"/Groups/{role().pk}", patch_data(change))


def add_member_of_new_group(client: Any, target: User) -> int:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": role().name,
        "externalId": "taken",
        "members": [{"value": str(target.pk)}],
    }
    return client.post("Groups", body).status_code


def taking(**values: Any) -> dict[str, Any]:
    return user_body(emails=[{"value": "new@example.com"}]) | values


def role() -> Group:
    return Group.objects.get(name="Okta people")


# Requests about an account by its ID.
BY_ID: dict[str, Callable[[Any, User], int]] = {
    "GET": lambda client, one: client.get(f"Users/{one.pk}").status_code,
    "PUT": lambda client, one: client.put(f"Users/{one.pk}", user_body()).status_code,
    "PATCH": lambda client, one: client.patch(f"Users/{one.pk}", DEACTIVATION).status_code,
    "PATCH of a title": lambda client, one: (
        client.patch(f"Users/{one.pk}", {"op": "add", "path": "title", "value": "Head"}).status_code
    ),
    "DELETE": lambda client, one: client.delete(f"Users/{one.pk}").status_code,
    "PUT by Bulk": lambda client, one: bulk(client, "PUT", f"/Users/{one.pk}", user_body()),
    "PATCH by Bulk": lambda client, one: bulk(
        client, "PATCH", f"/Users/{one.pk}", patch_data(DEACTIVATION)
    ),
    "DELETE by Bulk": lambda client, one: bulk(client, "DELETE", f"/Users/{one.pk}"),
}
# Requests that would take over an account by its names.
BY_NAME: dict[str, Callable[[Any, User], int]] = {
    "POST of its name": lambda client, one: (
        client.post("Users", taking(userName=one.username)).status_code
    ),
    "POST of its name by Bulk": lambda client, one: bulk(
        client, "POST", "/Users", taking(userName=one.username), bulkId="first"
    ),
    "PATCH of its name": lambda client, one: (
        client.patch(
            f"Users/{create_synced(client).pk}",
            {"op": "replace", "path": "userName", "value": one.username},
        ).status_code
    ),
}
MEMBERSHIP = {
    "a member": add_member,
    "a member by Bulk": add_member_by_bulk,
    "a member of a new group": add_member_of_new_group,
}


@pytest.fixture
def client():
    group = Group.objects.create(name="Okta people")
    return make_scim(domains=("example.com",), roles=(group,))


@pytest.mark.parametrize("kind", TARGETS)
def test_accounts_above_and_elsewhere_stay_as_they_are(client, kind):
    target = TARGETS[kind]()
    before = row(target)
    roles = set(target.groups.all())
    by_id = {name: attack(client, target) for name, attack in BY_ID.items()}
    by_name = {name: attack(client, target) for name, attack in BY_NAME.items()}
    members = {name: attack(client, target) for name, attack in MEMBERSHIP.items()}
    assert set(by_id.values()) == {404}, by_id
    assert set(by_name.values()) == {409}, by_name
    assert set(members.values()) == {400}, members
    assert row(target) == before
    assert set(target.groups.all()) == roles
    query = f'userName eq "{target.username}" or id eq "{target.pk}"'
    assert client.get("Users", **{}).json()["totalResults"] == 1
    found = client.post("Users/.search", {"filter": query}).json()
    assert found["totalResults"] == 0, found


def test_an_address_in_use_is_not_taken(client):
    target = make_superuser()
    taken = [{"value": target.email.upper()}]
    assert client.post("Users", user_body(emails=taken)).status_code == 409
    own = create_synced(client)
    change = {"op": "replace", "path": "emails", "value": taken}
    assert client.patch(f"Users/{own.pk}", change).status_code == 409
    assert client.put(f"Users/{own.pk}", user_body(emails=taken)).status_code == 409
    own.refresh_from_db()
    assert own.version == 1


def test_an_id_of_another_account_of_the_source_is_not_taken(client):
    first, second = create_synced(client), create_synced(client)
    change = {"op": "replace", "path": "externalId", "value": first.source_id}
    answer = client.patch(f"Users/{second.pk}", change)
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    body = user_body(externalId=first.source_id)
    assert client.put(f"Users/{second.pk}", body).status_code == 409
    assert bulk(client, "PUT", f"/Users/{second.pk}", body) == 409
    second.refresh_from_db()
    assert second.version == 1


def test_an_account_with_more_permissions_than_the_token_stays_as_it_is(client):
    own = create_synced(client)
    own.groups.add(Group.objects.get(name="Administrator"))
    before = row(own)
    attacks = {name: attack for name, attack in BY_ID.items() if name != "GET"}
    assert {name: attack(client, own) for name, attack in attacks.items()} == dict.fromkeys(
        attacks, 403
    )
    assert row(own) == before


def test_no_attribute_gives_power(client):
    power = {
        "is_staff": True,
        "isStaff": True,
        "is_superuser": True,
        "groups": [{"value": str(Group.objects.get(name="Administrator").pk)}],
        "roles": [{"value": "Administrator", "primary": True}],
        "entitlements": [{"value": "users.manage_staff"}],
        "status": "active",
        "source": "entra",
        "id": "1",
        "meta": {"version": 'W/"9"'},
    }
    own = create_synced(client, **power)
    assert client.put(f"Users/{own.pk}", user_body(**power)).status_code == 200
    for name, value in power.items():
        client.patch(f"Users/{own.pk}", {"op": "add", "path": name, "value": value})
        client.patch(f"Users/{own.pk}", {"op": "add", "value": {name: value}})
    own.refresh_from_db()
    assert (own.is_staff, own.is_superuser, own.source) == (False, False, "okta")
    assert own.status == State.INVITED
    assert not own.groups.exists()


@pytest.mark.parametrize("kind", ["privileged", "privileged later", "out of scope"])
def test_roles_that_the_token_may_not_give(kind):
    group = Group.objects.create(name="Strong")
    client = make_scim(roles=() if kind == "out of scope" else (group,))
    if kind != "out of scope":
        group.permissions.add(Permission.objects.get(codename="view_user"))
    own = create_synced(client)
    member = [{"value": str(own.pk)}]
    change = {"op": "add", "path": "members", "value": member}
    path = f"Groups/{group.pk}"
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Strong"}
    answers = [
        client.get(path).status_code,
        client.patch(path, change).status_code,
        client.put(path, body | {"members": member}).status_code,
        bulk(client, "PATCH", f"/{path}", patch_data(change)),
        bulk(client, "PUT", f"/{path}", body | {"members": member}),
    ]
    assert set(answers) == {404}
    assert client.post("Groups", body | {"members": member}).status_code == 403
    assert bulk(client, "POST", "/Groups", body, bulkId="first") == 403
    assert not group.user_set.exists()


def test_what_staff_has_suspended_is_not_ended_by_deleting_and_restoring(client):
    own = create_synced(client)
    User.objects.filter(pk=own.pk).update(status=State.SUSPENDED, status_reason="Abuse.")
    assert client.delete(f"Users/{own.pk}").status_code == 204
    body = user_body(userName=own.username)
    assert client.post("Users", body).status_code == 403
    assert bulk(client, "POST", "/Users", body, bulkId="first") == 403
    own.refresh_from_db()
    assert own.status == State.DELETED


def lose_token(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())


def let_token_expire(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(ends_at=timezone.now() - timedelta(seconds=1))


def suspend_holder(token: ApiToken) -> None:
    suspended = {"status": State.SUSPENDED, "status_reason": "x"}
    User.objects.filter(pk=token.holder_id).update(**suspended)


def suspend_owner(token: ApiToken) -> None:
    owner = User.objects.get(pk=token.holder_id).owner_id
    User.objects.filter(pk=owner).update(status=State.SUSPENDED, status_reason="x")


def take_roles(token: ApiToken) -> None:
    User.objects.get(pk=token.holder_id).groups.clear()


def take_source(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(provisioning=None)


def give_another_source(token: ApiToken) -> None:
    scope = token.provisioning | {"source": "entra"}
    ApiToken.objects.filter(pk=token.pk).update(provisioning=scope)


LOSSES = {
    lose_token: 401,
    let_token_expire: 401,
    suspend_holder: 401,
    suspend_owner: 401,
    take_roles: 403,
    take_source: 403,
    give_another_source: 404,
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_what_a_token_has_lost_counts_at_the_next_request(client, loss):
    own = create_synced(client)
    before = row(own)
    loss(ApiToken.objects.get())
    answers = {
        client.get(f"Users/{own.pk}").status_code,
        client.put(f"Users/{own.pk}", user_body()).status_code,
        client.patch(f"Users/{own.pk}", DEACTIVATION).status_code,
        client.delete(f"Users/{own.pk}").status_code,
    }
    assert answers == {LOSSES[loss]}
    operations = [{"method": "DELETE", "path": f"/Users/{own.pk}"}]
    client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations})
    assert row(own) == before


# The permission that each request needs besides those to read.
NEEDED = {
    "invite_user": lambda client, one: client.post("Users", user_body()).status_code,
    "edit_user": BY_ID["PATCH of a title"],
    "suspend_user": BY_ID["PATCH"],
    "change_groups": add_member,
    "delete_user": BY_ID["DELETE"],
}


@pytest.mark.parametrize("scope", NEEDED)
def test_each_request_needs_its_permission(client, scope):
    own = create_synced(client)
    before = row(own)
    token = ApiToken.objects.get()
    ApiToken.objects.filter(pk=token.pk).update(
        scopes=[name for name in token.scopes if name != scope]
    )
    assert NEEDED[scope](client, own) == 403
    assert row(own) == before
    others = {name: request for name, request in NEEDED.items() if name != scope}
    # What is deactivated can still be changed and deleted.
    assert {request(client, own) for request in others.values()} <= {201, 204}
