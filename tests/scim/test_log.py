"""The log of SCIM requests, its page, and its retention."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from tests.builders import make_user
from tests.ladder import assert_denied
from tests.scim.builders import BULK_SCHEMA, create_synced, make_scim, user_body
from users.audit.labels import action_label
from users.audit.models import AuditEvent
from users.health.cleanup import delete_provisioning_requests
from users.scim.models import ProvisioningRequest

pytestmark = pytest.mark.django_db
PATH = "/staff/provisioning/"


def auditor_client() -> Client:
    client = Client()
    client.force_login(make_user("Auditor"))
    return client


def test_the_log_has_no_values():
    client = make_scim()
    secret = "Quetzalcoatl"
    body = user_body(userName=secret.lower(), title=secret, password=secret)
    body |= {secret + "@example.com": 1, "name": {"givenName": secret}}
    created = client.post("Users", body).json()
    change = {"op": "replace", "path": f'emails[value eq "{secret}"].value', "value": secret}
    client.patch(f"Users/{created['id']}", change)
    client.get(f'Users?filter=userName eq "{secret}"&{secret}=1')
    client.get(f"Users/{secret}")
    client.post("Users", body)
    operation = {"method": "POST", "path": "/Users", "bulkId": secret, "data": body}
    client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": [operation]})
    rows: list[Any] = list(ProvisioningRequest.objects.order_by("pk").values())
    assert len(rows) == 6
    stored = json.dumps(rows, default=str)
    assert secret.lower() not in stored.lower()
    assert [row["status"] for row in rows][:1] == [201]
    assert rows[0]["account_id"] == int(created["id"])
    assert rows[0]["body"]["userName"] == "…"
    assert rows[2]["path"] == "/Users?filter"
    assert rows[1]["path"] == f"/Users/{created['id']}"
    assert rows[4]["error"].startswith("uniqueness")


def test_the_page_lists_requests_for_auditors():
    client = make_scim()
    account = create_synced(client)
    client.get("Users/999999")
    page = auditor_client()
    text = page.get(PATH).content.decode()
    assert f'href="/users/{account.pk}/"' in text
    assert "POST /Users" in text
    failed = page.get(f"{PATH}?status=failed").content.decode()
    assert "POST /Users" not in failed
    assert "GET /Users/999999" in failed
    assert page.get(f"{PATH}?status=other").status_code == 400


def test_the_page_links_the_events_of_requests():
    client = make_scim()
    account = create_synced(client)
    path = f"Users/{account.pk}"
    client.patch(path, {"op": "replace", "path": "active", "value": False})
    client.delete(f"{path}?dryRun=true")
    text = auditor_client().get(PATH).content.decode()
    for event in AuditEvent.objects.filter(target_id=account.pk):
        link = f'<a href="/audit/{event.pk}/">{action_label(event)}</a>'
        assert text.count(link) == 1
    assert len(re.findall(r'href="/audit/[0-9]', text)) == 2
    assert "dry run" in text


def test_a_dry_run_is_listed_as_one_and_leaves_no_event():
    client = make_scim(domains=("example.com",), scopes=("view_user", "view_personal", "edit_user"))
    account = make_user(source="okta", email="ada@example.com")
    path = f"Users/{account.pk}"
    count = AuditEvent.objects.count()
    elsewhere = [{"value": "ada@example.org"}]
    answers = [
        client.get(f"{path}?dryRun=true"),
        client.patch(path, {"op": "replace", "path": "title", "value": "x"}, **{"Dry-Run": "true"}),
        client.patch(
            f"{path}?dryRun=true", {"op": "replace", "path": "emails", "value": elsewhere}
        ),
        client.delete(f"{path}?dryRun=true"),
        client.send("PATCH", f"{path}?dryRun=true", b"{"),
    ]
    assert [each.status_code for each in answers] == [200, 204, 403, 403, 400]
    assert {each.headers.get("Dry-Run") for each in answers} == {"true"}
    rows = ProvisioningRequest.objects.order_by("pk")
    assert [row.dry_run for row in rows] == [True] * 5
    assert {row.account_id for row in rows} == {account.pk}
    # The first use of the token.
    assert AuditEvent.objects.count() == count + 1


def test_an_account_of_a_dry_run_is_not_linked():
    client = make_scim()
    assert client.post("Users?dryRun=true", user_body()).status_code == 201
    create_synced(client)
    rows = ProvisioningRequest.objects.order_by("pk")
    assert [row.account_id is None for row in rows] == [True, False]


def test_the_ladder():
    support = make_user("Support")
    client = Client()
    assert client.get(PATH).status_code == 302
    client.force_login(support)
    denied = client.get(PATH)
    assert_denied(denied, "users.view_auditevent", actor=support, action="view_audit")
    page = auditor_client()
    assert "No requests yet" in page.get(PATH).content.decode()
    assert page.get(f"{PATH}?after=x").status_code == 400
    assert page.get(f"{PATH}?nothing=1").status_code == 400
    assert page.post(PATH).status_code == 405


def test_old_requests_are_deleted():
    client = make_scim()
    client.get("Users")
    client.get("Groups")
    old = ProvisioningRequest.objects.order_by("pk")[0]
    old.at = timezone.now() - timedelta(days=31)
    old.save()
    assert delete_provisioning_requests() == 1
    assert not ProvisioningRequest.objects.filter(pk=old.pk).exists()
    assert ProvisioningRequest.objects.count() == 1


def add_members(client: Any, path: str, *accounts: Any) -> Any:
    members = [{"value": str(account.pk)} for account in accounts]
    return client.patch(path, {"op": "add", "path": "members", "value": members})


def event_links(text: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'href="/audit/([0-9]+)/', text)]


def events_of(*accounts: Any) -> list[int]:
    events = AuditEvent.objects.filter(
        target_id__in=[each.pk for each in accounts], action="account.groups_added"
    )
    return sorted(events.values_list("pk", flat=True))


def test_requests_on_groups_link_their_events():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    accounts = [create_synced(client) for _ in range(4)]
    path = f"Groups/{role.pk}"
    ProvisioningRequest.objects.all().delete()
    add_members(client, path, *accounts[:3])
    add_members(client, path, accounts[3])
    add_members(client, path, accounts[3])
    add_members(client, f"{path}?dryRun=true", create_synced(make_scim()))
    several, one, none, dry, *_ = ProvisioningRequest.objects.filter(method="PATCH").order_by("pk")
    assert (several.event_count, one.event_count, none.event_count) == (3, 1, 0)
    assert dry.event_count is None
    page = auditor_client()
    text = page.get(PATH).content.decode()
    assert f'<a href="/staff/provisioning/{several.pk}/">3 events</a>' in text
    assert set(events_of(accounts[3])) <= set(event_links(text))
    shown = page.get(f"{PATH}{several.pk}/").content.decode()
    assert sorted(set(event_links(shown))) == events_of(*accounts[:3])
    for row in (none, dry):
        assert "left no events" in page.get(f"{PATH}{row.pk}/").content.decode()


def test_bulk_requests_link_the_events_of_all_their_operations():
    client = make_scim()
    client.get("Users")
    before = AuditEvent.objects.count()
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(number), "data": user_body()}
        for number in range(60)
    ]
    operations.append({"method": "DELETE", "path": "/Users/999999"})
    answer = client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": operations})
    assert answer.status_code == 200
    row = ProvisioningRequest.objects.latest("pk")
    assert row.event_count == AuditEvent.objects.count() - before == 60
    page = auditor_client()
    assert "60 events" in page.get(PATH).content.decode()
    first = page.get(f"{PATH}{row.pk}/").content.decode()
    older = re.findall(r'href="(/staff/provisioning/[0-9]+/\?after=[0-9]+)"', first)[0]
    second = page.get(older).content.decode()
    found = event_links(first) + event_links(second)
    assert len(set(found)) == 60
    assert set(event_links(first)).isdisjoint(event_links(second))


def test_events_of_other_requests_are_not_among_them():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)
    add_members(client, f"Groups/{role.pk}", account)
    row = ProvisioningRequest.objects.latest("pk")
    row.first_event_id = 1
    row.last_event_id = AuditEvent.objects.latest("pk").pk
    row.event_count = 2
    row.save()
    shown = auditor_client().get(f"{PATH}{row.pk}/").content.decode()
    assert set(event_links(shown)) == set(events_of(account))


def test_the_ladder_of_one_request():
    client = make_scim()
    account = create_synced(client)
    row = ProvisioningRequest.objects.get()
    path = f"{PATH}{row.pk}/"
    support = make_user("Support")
    browser = Client()
    assert browser.get(path).status_code == 302
    browser.force_login(support)
    denied = browser.get(path)
    assert_denied(denied, "users.view_auditevent", actor=support, action="view_audit")
    page = auditor_client()
    shown = page.get(path).content.decode()
    assert f'href="/users/{account.pk}/"' in shown
    assert "POST /Users" in shown
    assert page.get(f"{PATH}{10**30}/").status_code == 404
    assert page.get(f"{PATH}{row.pk + 1}/").status_code == 404
    assert page.get(f"{path}?after=x").status_code == 400
    assert page.get(f"{path}?nothing=1").status_code == 400
    assert page.post(path).status_code == 405
