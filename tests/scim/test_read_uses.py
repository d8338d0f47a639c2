"""What providers read counts as a use of personal data; pages have a limit, look-ups an alarm."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.builders import make_superuser, make_user
from tests.meter.limits import count_of
from tests.scim.builders import BULK_SCHEMA, create_synced, make_scim, user_body
from users.audit.models import AuditEvent
from users.database.clock import current_hour
from users.mail.models import Message
from users.meter import usual_reads
from users.meter.models import HourlyUse, UseKind
from users.models import State, User
from users.scim.models import ProvisioningRequest
from users.tokens.models import ApiToken

pytestmark = pytest.mark.django_db


def set_budget(settings: Any, exports: int) -> None:
    budgets = settings.METER.service_budgets | {"exports": exports}
    settings.METER = settings.METER._replace(service_budgets=budgets)


def holder() -> User:
    return User.objects.get(pk=ApiToken.objects.get().holder_id)


def counted(send: Any) -> int:
    """Returns the number of accounts that a request has read."""
    before = count_of(holder(), "exports")
    answer = send()
    assert answer.status_code < 300, answer.content
    return count_of(holder(), "exports") - before


def test_each_account_in_an_answer_counts():
    client = make_scim()
    first, *_ = [create_synced(client) for _ in range(3)]
    path = f"Users/{first.pk}"
    everybody = {"count": 10, "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}
    assert counted(lambda: client.get("Users")) == 3
    assert counted(lambda: client.get("Users?attributes=userName&count=2")) == 2
    assert counted(lambda: client.post("Users/.search", everybody)) == 3
    assert counted(lambda: client.get(path)) == 1
    assert counted(lambda: client.get(f"{path}?dryRun=true")) == 1
    assert counted(lambda: client.get(f'Users?filter=userName eq "{first.username}"')) == 1
    assert counted(lambda: client.put(path, user_body(userName=first.username))) == 1


def test_answers_without_an_account_that_was_read_count_nothing():
    role = Group.objects.create(name="Readers")
    client = make_scim(roles=(role,))
    account = create_synced(client)
    path = f"Users/{account.pk}"
    role.user_set.add(account)
    creation = {"method": "POST", "path": "/Users", "bulkId": "a", "data": user_body()}
    title = {"op": "replace", "path": "title", "value": "Head"}
    sends = [
        lambda: client.post("Users", user_body()),
        lambda: client.post("Bulk", {"schemas": [BULK_SCHEMA], "Operations": [creation]}),
        lambda: client.patch(path, title),
        lambda: client.get("Groups"),
        lambda: client.get(f"Groups/{role.pk}"),
        lambda: client.get("Schemas"),
        lambda: client.get("Users?count=0"),
        lambda: client.get('Users?filter=userName eq "nobody.at.all"'),
        lambda: client.delete(path),
    ]
    assert [counted(send) for send in sends] == [0] * len(sends)
    other = create_synced(client)
    version = client.get(f"Users/{other.pk}")["ETag"]
    before = count_of(holder(), "exports")
    unchanged = client.get(f"Users/{other.pk}", **{"If-None-Match": version})
    assert unchanged.status_code == 304
    assert count_of(holder(), "exports") == before


def test_above_the_limit_pages_wait_and_a_deactivation_does_not(settings):
    client = make_scim()
    first, second, _ = [create_synced(client) for _ in range(3)]
    set_budget(settings, 4)
    assert client.get("Users").status_code == 200
    refused = client.get("Users?count=2")
    assert refused.status_code == 429
    assert refused.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert "hourly limit" in refused.json()["detail"]
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert first.username not in refused.content.decode()
    logged = ProvisioningRequest.objects.latest("pk")
    assert (logged.status, logged.path) == (429, "/Users?count")
    looked = client.get(f'Users?filter=userName eq "{second.username}"')
    assert looked.json()["totalResults"] == 1
    inactive = {"op": "replace", "path": "active", "value": False}
    assert client.patch(f"Users/{second.pk}", inactive).status_code == 204
    assert User.objects.get(pk=second.pk).status == State.SUSPENDED
    HourlyUse.objects.update(hour="2026-01-01T00:00Z")
    assert client.get("Users?count=2").status_code == 200


def test_administrators_learn_of_a_token_that_goes_on(settings):
    client = make_scim()
    root = make_superuser()
    accounts = [create_synced(client) for _ in range(3)]
    set_budget(settings, 1)
    for account in accounts:
        client.get(f"Users/{account.pk}")
    event: Any = AuditEvent.objects.get(action="meter.exceeded")
    assert event.target_id == holder().pk
    assert (event.after["exports"], event.after["budget"]) == (3, 1)
    assert Message.objects.filter(kind="heavy-use", account_id=root.pk).count() == 1


def store_hours(account: User, hours: int, count: int) -> None:
    rows = []
    for number in range(1, hours + 1):
        row = HourlyUse(
            account_id=account.pk,
            hour=current_hour() - timedelta(hours=number),
            kind=UseKind.EXPORT,
            count=count,
            subject=0,
        )
        rows.append(row)
    HourlyUse.objects.bulk_create(rows)


@pytest.mark.parametrize(
    ("hours", "busiest", "is_reported"),
    [(40, 2, True), (40, 4, False), (39, 2, False)],
)
def test_many_more_reads_than_ever_before_are_reported_and_served(
    monkeypatch, hours, busiest, is_reported
):
    monkeypatch.setattr(usual_reads, "MIN_READS", 3)
    client = make_scim()
    root = make_superuser()
    for _ in range(6):
        create_synced(client)
    store_hours(holder(), hours, busiest)
    assert client.get("Users").status_code == 200
    reported = AuditEvent.objects.filter(action="meter.exceeded")
    assert reported.exists() == is_reported
    assert Message.objects.filter(kind="heavy-use", account_id=root.pk).exists() == is_reported
    if not is_reported:
        return
    event: Any = reported.get()
    assert (event.after["limit"], event.after["budget"]) == (4, 500_000)
    browser = Client()
    browser.force_login(make_user("Auditor"))
    shown = browser.get(f"/staff/meter/{holder().pk}/").content.decode()
    assert "Exported accounts: 6, limit 4 (twice its busiest hour before)" in shown
    client.get("Users")
    assert reported.count() == 1


def test_earlier_hours_are_read_once_for_many_look_ups(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(usual_reads, "MIN_READS", 3)
    assert usual_reads.unusual_from(1, 3, 1) is None
    with django_assert_num_queries(0):
        assert usual_reads.unusual_from(1, 5, 1) is None
    with django_assert_num_queries(1):
        assert usual_reads.unusual_from(1, 6, 1) is None
