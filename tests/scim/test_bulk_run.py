"""Operations of a Bulk request that are stored together leave what they leave one by one."""

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client

from tests.builders import make_user
from tests.scim.builders import BULK_SCHEMA, PATCH_SCHEMA, create_synced, make_scim, user_body
from users.audit.models import AuditEvent
from users.models import State, User
from users.scim import bulk_deactivation, bulk_run, creation

pytestmark = pytest.mark.django_db
DEACTIVATION = {"op": "replace", "path": "active", "value": False}
# What differs from run to run.
CHANCE = {"id", "password", "date_joined", "updated_at"}
bulk_ids = map(str, count(1))
EVENT_COLUMNS = ("action", "target_text", "target_version", "before", "after", "reason")


def new_user(username: str, **values: Any) -> dict[str, Any]:
    data = user_body(userName=username) | values
    return {"method": "POST", "path": "/Users", "bulkId": next(bulk_ids), "data": data}


def patch(pk: Any, *changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    data = {"schemas": [PATCH_SCHEMA], "Operations": list(changes or [DEACTIVATION])}
    return {"method": "PATCH", "path": f"/Users/{pk}", "data": data} | more


def send(client, operations: list[Any], **more: Any) -> list[dict[str, Any]]:
    response = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations} | more)
    assert response.status_code == 200, response.content
    return response.json()["Operations"]


def left_behind(client, operations: list[Any], **more: Any) -> dict[str, Any]:
    """Returns the answers, the accounts and the events of a request, which is then undone."""
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    with transaction.atomic():
        answers = send(client, operations, **more)
        accounts = {row["username"]: row for row in User.objects.values()}
        events = AuditEvent.objects.filter(pk__gt=newest).order_by("pk")
        recorded = list(events.values_list(*EVENT_COLUMNS))
        transaction.set_rollback(True)
    for row in accounts.values():
        for name in CHANCE:
            del row[name]
    for answer in answers:
        answer.pop("location", None)
    recorded.sort(key=lambda row: (row[1], row[2], row[0]))
    return {"answers": answers, "accounts": accounts, "events": recorded}


def assert_like_one_by_one(client, operations: list[Any], monkeypatch, **more: Any) -> Any:
    """Returns what the request leaves, which it also leaves if each operation runs alone."""
    together = left_behind(client, operations, **more)
    with monkeypatch.context() as patched:
        patched.setattr(bulk_run, "WINDOW_SIZE", 1)
        alone = left_behind(client, operations, **more)
    assert together == alone
    return together


def statuses(left: dict[str, Any]) -> list[str]:
    return [str(answer["status"]) for answer in left["answers"]]


@pytest.fixture
def client():
    found = make_scim(domains=("example.com",))
    # The first request records the use of the token.
    found.get("Users?count=1")
    return found


def test_creations_are_as_one_by_one(client, monkeypatch):
    make_user(username="taken.name")
    make_user("Manager", username="zoe")
    deleted = create_synced(client, userName="was.deleted")
    client.delete(f"Users/{deleted.pk}")
    operations = [
        new_user("first.one", title="Head", phoneNumbers=[{"value": "+1 202 555 0170"}]),
        new_user("Second.One", externalId="", emails=[], name={}),
        new_user("first.one", externalId="other"),
        new_user("taken.name"),
        new_user("third.one", emails=[{"value": "FIRST.ONE@example.com"}]),
        new_user("fourth.one", externalId="id-0"),
        new_user("fifth.one", externalId="id-0"),
        new_user("was.deleted", title="Back"),
        new_user("not.active", active=False),
        new_user("zoé"),
        new_user("аda"),
        new_user("ada"),
        new_user("admin"),
        new_user("six@example.com", emails=[{"value": "six@example.com"}]),
        new_user("seven@example.com", emails=[{"value": "other@example.com"}]),
        new_user("eighth.one", emails=[{"value": "eight@example.org"}]),
        new_user("ninth.one", emails=[{"value": "no address"}]),
        new_user("tenth\tone\\n", name={"givenName": "A\\tb", "familyName": 'C"\\d'}),
        {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {"userName": 7}},
        new_user("last.one", nickName='“\\N” \\. "x"'),
    ]
    left = assert_like_one_by_one(client, operations, monkeypatch)
    assert set(statuses(left)) == {"201", "400", "403", "409"}
    assert left["accounts"]["last.one"]["attributes"]["scim"]["nickName"] == '“\\N” \\. "x"'


@pytest.mark.parametrize("accepted", [1, 2])
def test_nothing_is_created_after_too_many_errors(client, monkeypatch, accepted):
    names = ["a.one", "a.two", "a.one", "a.three", "a.two", "a.four"]
    operations = [new_user(name) for name in names]
    left = assert_like_one_by_one(client, operations, monkeypatch, failOnErrors=accepted)
    assert len(left["answers"]) == {1: 3, 2: 5}[accepted]
    assert "a.four" not in left["accounts"]
    assert ("a.three" in left["accounts"]) == (accepted == 2)


def test_no_batch_is_created_after_too_many_errors(client, monkeypatch):
    operations = [new_user("a.one"), new_user("a.one"), new_user("a.two"), new_user("a.three")]
    left = assert_like_one_by_one(client, operations, monkeypatch, failOnErrors=1)
    assert len(left["answers"]) == 2
    assert not {"a.two", "a.three"} & set(left["accounts"])


def test_a_batch_takes_no_name_that_an_operation_before_it_has_taken(client, monkeypatch):
    # It looks like "coco".
    cyrillic = 2 * "\N{CYRILLIC SMALL LETTER ES}\N{CYRILLIC SMALL LETTER O}"
    inactive = new_user(cyrillic, active=False, emails=[{"value": "other@example.com"}])
    operations = [inactive, new_user("coco"), new_user("a.one")]
    left = assert_like_one_by_one(client, operations, monkeypatch)
    assert [answer["status"] for answer in left["answers"]] == ["201", "400", "201"]


def test_deactivations_are_as_one_by_one(client, monkeypatch):
    accounts = [create_synced(client) for _ in range(9)]
    User.objects.filter(pk=accounts[1].pk).update(status=State.ACTIVE)
    User.objects.filter(pk=accounts[2].pk).update(status=State.SUSPENDED, status_reason="By staff.")
    accounts[3].groups.add(Group.objects.get(name="Administrator"))
    User.objects.filter(pk=accounts[4].pk).update(source="entra")
    first, *others = [account.pk for account in accounts]
    title = {"op": "replace", "path": "title", "value": "Head"}
    operations = [
        patch(first),
        *[patch(pk) for pk in others[:4]],
        patch(others[4], {"op": "Add", "value": {"active": False}}),
        patch(others[5], {"op": "replace", "value": {"active": "False", "title": "Head"}}),
        patch(others[6], title, DEACTIVATION),
        patch(first),
        patch(first, {"op": "replace", "path": "active", "value": True}),
        patch(first),
        patch(others[7], version='W/"9"'),
        patch("x"),
        patch(others[7], {"op": "remove", "path": "title"}),
        patch(others[7]),
    ]
    left = assert_like_one_by_one(client, operations, monkeypatch)
    assert set(statuses(left)) == {"200", "403", "404", "412"}
    account = left["accounts"][accounts[0].username]
    assert (account["status"], account["session_epoch"]) == (State.SUSPENDED, 2)


def test_sessions_end_together(client):
    accounts = [create_synced(client) for _ in range(2)]
    User.objects.filter(source="okta").update(status=State.ACTIVE)
    browser = Client()
    browser.force_login(User.objects.get(pk=accounts[0].pk))
    assert browser.get("/me/").status_code == 200
    send(client, [patch(account.pk) for account in accounts])
    assert browser.get("/me/").status_code == 302


def test_a_name_that_was_taken_meanwhile_fails_alone(client, monkeypatch):
    make_user(username="taken.name")
    monkeypatch.setattr(creation, "find_taken_names", lambda accounts: set())
    operations = [new_user(name) for name in ("free.one", "taken.name", "free.two")]
    answers = send(client, operations)
    assert [str(answer["status"]) for answer in answers] == ["201", "409", "201"]
    events = AuditEvent.objects.filter(action="account.provisioned")
    assert sorted(events.values_list("target_text", flat=True)) == ["free.one", "free.two"]


def test_an_account_that_was_changed_meanwhile_is_read_again(client, monkeypatch):
    accounts = [create_synced(client) for _ in range(2)]
    find = bulk_deactivation.conflict_free_deactivations

    def find_old(view: Any, operations: Any) -> Any:
        found = find(view, operations)
        client.patch(f"Users/{accounts[1].pk}", {"op": "add", "path": "title", "value": "Head"})
        return found

    monkeypatch.setattr(bulk_run, "BATCHES", with_finder(find_old))
    answers = send(client, [patch(account.pk) for account in accounts])
    assert [answer["version"] for answer in answers] == ['W/"2"', 'W/"3"']
    assert User.objects.filter(status=State.SUSPENDED).count() == 2


def with_finder(find: Any) -> dict[Any, Any]:
    """Returns the batches of bulk_run with another function that finds deactivations."""
    method = bulk_run.BulkOperation.Method.patch
    _, store = bulk_run.BATCHES[method]
    return bulk_run.BATCHES | {method: (find, store)}


def test_queries_do_not_grow_with_the_operations(client, django_assert_max_num_queries):
    client.get("Users")
    with django_assert_max_num_queries(40):
        answers = send(client, [new_user(f"many.{number}") for number in range(60)])
    ids = [answer["location"].rpartition("/")[2] for answer in answers]
    with django_assert_max_num_queries(40):
        send(client, [patch(pk) for pk in ids])
    assert User.objects.filter(pk__in=ids, status=State.SUSPENDED).count() == 60
