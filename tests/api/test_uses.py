"""What programs read counts as a use of personal data, and is refused above the hourly limit."""

from hashlib import blake2b

import pytest

from tests.api.calls import Program, problem, program
from tests.builders import make_superuser, make_user, make_users
from tests.meter.limits import count_of, set_budgets
from users.audit.models import AuditEvent
from users.mail.models import Message
from users.meter.models import HourlyUse
from users.models import User

pytestmark = pytest.mark.django_db


def set_service_budgets(settings, **budgets: int) -> None:
    changed = settings.METER.service_budgets | budgets
    settings.METER = settings.METER._replace(service_budgets=changed)


def test_an_account_counts_once_with_all_of_its_lists():
    reader = program("Support")
    ada, jane = make_users(2)
    for path in ("", "/events", "/sign-ins", "/emails"):
        assert reader.get(f"/accounts/{ada.pk}{path}").status_code == 200
    assert count_of(reader.holder, "openings") == 1
    reader.get(f"/accounts/{jane.pk}")
    reader.get(f"/accounts/{reader.holder.pk}")
    assert count_of(reader.holder, "openings") == 2


def test_lists_count_their_rows_unless_the_content_is_the_same():
    reader = program("Support")
    make_users(3)
    first = reader.get("/accounts")
    rows = len(first.json()["accounts"])
    cached = reader.get("/accounts")
    assert cached.content == first.content
    assert count_of(reader.holder, "exports") == rows
    reader.get("/accounts?sort=-joined")
    again = reader.get("/accounts", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert count_of(reader.holder, "exports") == rows
    User.objects.filter(pk=make_user().pk).update(first_name="New")
    reader.get("/accounts")
    assert count_of(reader.holder, "exports") == 2 * rows + 1
    assert count_of(reader.holder, "searches") == 0


def test_what_shows_no_account_counts_nothing():
    reader = program("Support")
    ada = make_user()
    reader.client.head(f"/api/v1/accounts/{ada.pk}")
    reader.client.head("/api/v1/accounts?q=smith")
    reader.get("/accounts/999999")
    reader.get("/accounts/count?status=active")
    reader.get("/accounts?source=none")
    reader.get("/jobs")
    assert not HourlyUse.objects.exists()


def test_an_etag_confirms_no_guess_of_what_a_head_request_does_not_show():
    reader = program("Support")
    ada, jane = make_user(first_name="Ada"), make_user(first_name="Ada")
    found = []
    for account in (ada, jane):
        path = f"/accounts/{account.pk}?fields=first_name"
        etag = reader.client.head(f"/api/v1{path}")["ETag"].strip('"')
        found.append(etag.partition(".")[2])
        guess = blake2b(b'{"first_name":"Ada"}', digest_size=12).hexdigest()
        known = {"If-None-Match": f'"{account.version}.{guess}"'}
        assert reader.get(path, headers=known).status_code == 200
    assert len(set(found)) == 2, "the same name would have the same ETag"
    lists = [f"/api/v1/accounts?q=id:{each.pk}&fields=first_name" for each in (ada, jane)]
    assert len({reader.client.head(path)["ETag"] for path in lists}) == 2


def test_searches_count_once_with_their_pages_and_their_counts():
    reader = program("Support")
    reader.get("/accounts?q=smith")
    reader.get("/accounts?q=smith&status=active")
    reader.get("/accounts/count?q=smith")
    assert count_of(reader.holder, "searches") == 1
    reader.get("/accounts/count?q=jones")
    assert count_of(reader.holder, "searches") == 2


def test_a_job_counts_the_search_in_its_filter(settings):
    set_service_budgets(settings, searches=1)
    sender = program("Manager")
    sent = {"action": "suspension", "count": 1, "values": {"reason": "Left"}}
    problem(sender.post("/jobs", sent | {"filter": "q=smith"}), 409)
    assert count_of(sender.holder, "searches") == 1
    problem(sender.post("/jobs", sent | {"filter": "q=jones"}), 429)


def test_above_the_limit_the_program_waits_for_the_next_hour(settings):
    set_service_budgets(settings, openings=1)
    reader = program("Support")
    ada, jane = make_users(2)
    assert reader.get(f"/accounts/{ada.pk}").status_code == 200
    for path in ("", "", "/events"):
        answer = reader.get(f"/accounts/{jane.pk}{path}")
        found = problem(answer, 429)
        assert 0 < int(answer["Retry-After"]) <= 3600
        assert "hourly limit" in found["detail"]
        assert jane.email not in answer.content.decode()
    HourlyUse.objects.update(hour="2026-01-01T00:00Z")
    assert reader.get(f"/accounts/{jane.pk}").status_code == 200


def test_the_rows_of_a_list_and_a_search_have_limits(settings):
    set_service_budgets(settings, exports=2, searches=1)
    reader = program("Support")
    make_users(3)
    problem(reader.get("/accounts"), 429)
    assert reader.get("/accounts/count?q=smith").status_code == 200
    problem(reader.get("/accounts/count?q=jones"), 429)


def test_a_program_that_goes_on_is_reported_once(settings):
    set_service_budgets(settings, openings=1)
    reader = program("Support")
    root = make_superuser()
    for account in make_users(4):
        reader.get(f"/accounts/{account.pk}")
    assert AuditEvent.objects.filter(action="meter.exceeded").count() == 1
    assert Message.objects.filter(kind="heavy-use", account_id=root.pk).count() == 1


def test_a_change_is_answered_above_the_limit_and_counts(settings):
    set_service_budgets(settings, openings=1)
    sender = program("Support")
    for account in make_users(2):
        sent = {"reason": "Stolen", "version": 1}
        assert sender.post(f"/accounts/{account.pk}/suspension", sent).status_code == 200
    assert count_of(sender.holder, "openings") == 2


def test_the_program_of_a_person_has_the_budget_of_the_person(settings, client):
    set_budgets(settings, openings=2)
    person = make_user("Administrator")
    reader = Program(person)
    client.force_login(person)
    first, second, third = make_users(3)
    reader.get(f"/accounts/{first.pk}")
    client.get(f"/users/{second.pk}/")
    problem(reader.get(f"/accounts/{third.pk}"), 429)


def test_service_accounts_have_budgets_of_their_own(settings):
    set_budgets(settings, openings=1)
    set_service_budgets(settings, **{"Support:openings": 3})
    reader = program("Support")
    answers = [reader.get(f"/accounts/{account.pk}") for account in make_users(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
