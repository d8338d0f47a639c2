"""/exports/schedules/ and the exports that start by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
    errors_of,
)
from tests.builders import make_superuser, make_user
from tests.bulk.running import work
from tests.pages import form, read
from users.audit.models import AuditEvent
from users.directory.models import SavedView
from users.jobs import engine
from users.jobs.models import Job
from users.models import User
from users.transfer import tasks
from users.transfer.exports import file_content, schedules
from users.transfer.exports.schedules import next_run
from users.transfer.models import ExportSchedule
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
NEW = "/exports/schedules/new/"


@pytest.fixture
def auditor(client) -> User:
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def make_view(owner: User, query: str = "verified=yes", **fields) -> SavedView:
    return SavedView.objects.create(owner=owner, name=f"View {query}", query=query, **fields)


def make_schedule(by: User, view: SavedView | None = None, **fields) -> ExportSchedule:
    values = {"interval": "day", "changes_only": False, "reason": "Nightly"} | fields
    parameters = {"columns": ["id"], "format": "jsonl"}
    by = User.objects.get(pk=by.pk)
    return schedules.create_schedule(by=by, view=view, parameters=parameters, **values)


def next_file(schedule: ExportSchedule) -> str:
    """The text of the file that the next run writes."""
    ExportSchedule.objects.filter(pk=schedule.pk).update(next_at=timezone.now())
    assert tasks.start_scheduled_exports() == 1
    schedule.refresh_from_db()
    job = work(schedule.last_job)
    assert job.state == "done"
    return b"".join(file_content.stream_file(job.export)).decode()


def test_what_is_scheduled_starts_at_once_and_then_every_day(client, auditor):
    inside = make_user(email_verified_at=timezone.now())
    view = make_view(auditor)
    sent = form(client.get(NEW), NEW) | {"view": str(view.pk), "reason": "Nightly", "columns": "id"}
    assert client.post(NEW, sent | {"format": "jsonl"})["Location"] == "/exports/schedules/"
    assert tasks.start_scheduled_exports() == 1
    assert tasks.start_scheduled_exports() == 0
    schedule = ExportSchedule.objects.get()
    assert timedelta(hours=23) < schedule.next_at - timezone.now() <= timedelta(days=1)
    job = work(schedule.last_job)
    assert (job.by_id, job.reason, job.unchanged) == (auditor.pk, "Nightly", 1)
    assert f'{{"id": {inside.pk}}}' in next_file(schedule)
    assert AuditEvent.objects.filter(action="export.scheduled", actor_id=auditor.pk).exists()
    page = read(client.get("/exports/schedules/"))
    assert "View verified=yes" in page.text
    assert "Every day" in page.text


def test_an_incremental_file_has_what_changed_since_the_last_finished_one(auditor):
    old = timezone.now() - timedelta(days=30)
    ended = make_user(valid_until=timezone.now() - timedelta(minutes=1))
    accounts = [make_user() for _ in range(3)]
    User.objects.update(updated_at=old, date_joined=old)
    schedule = make_schedule(auditor, changes_only=True)
    assert next_file(schedule).count("\n") == User.objects.count()
    User.objects.filter(pk=accounts[1].pk).update(updated_at=timezone.now())
    changed = "".join(f'{{"id": {account.pk}}}\n' for account in (ended, accounts[1]))
    ExportSchedule.objects.update(next_at=timezone.now())
    tasks.start_scheduled_exports()
    schedule.refresh_from_db()
    engine.cancel_job(schedule.last_job, by=make_superuser(updated_at=old, date_joined=old))
    assert next_file(schedule) == changed
    assert "changed since" in schedule.last_job.words
    User.objects.filter(pk=accounts[1].pk).update(updated_at=old)
    assert next_file(schedule) == f'{{"id": {ended.pk}}}\n'


def test_a_run_waits_for_the_one_before(auditor):
    schedule = make_schedule(auditor)
    tasks.start_scheduled_exports()
    ExportSchedule.objects.update(next_at=timezone.now())
    assert tasks.start_scheduled_exports() == 0
    schedule.refresh_from_db()
    assert "has not finished yet" in schedule.problem
    assert (Job.objects.count(), schedule.stopped_at) == (1, None)


def test_a_run_that_fails_stops_no_other(auditor, monkeypatch, caplog):
    failing = make_schedule(auditor, reason="Fails")
    make_schedule(auditor)
    start = schedules.start_export

    def start_or_fail(schedule, owner):
        return start(schedule, owner) if schedule.pk != failing.pk else 1 / 0

    monkeypatch.setattr(schedules, "start_export", start_or_fail)
    assert tasks.start_scheduled_exports() == 1
    failing.refresh_from_db()
    assert (failing.problem, failing.runs, failing.stopped_at) == (schedules.FAILED, 0, None)
    assert failing.next_at > timezone.now()
    assert "ZeroDivisionError" in caplog.text


def test_a_schedule_stops_with_the_permission_of_its_owner(client, auditor):
    schedule = make_schedule(auditor)
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="export_user"))
    assert tasks.start_scheduled_exports() == 0
    schedule.refresh_from_db()
    assert "export accounts to files" in schedule.problem
    assert schedule.stopped_at
    assert AuditEvent.objects.latest("id").action == "export.schedule_stopped"
    ExportSchedule.objects.update(next_at=timezone.now())
    assert tasks.start_scheduled_exports() == 0
    assert not Job.objects.exists()


def test_a_view_that_is_no_longer_shared_or_valid_stops_the_schedule(auditor):
    shared = make_view(make_user("Manager"), shared=True)
    first = make_schedule(auditor, shared)
    second = make_schedule(auditor, make_view(auditor, "verified=perhaps"))
    SavedView.objects.filter(pk=shared.pk).update(shared=False)
    tasks.start_scheduled_exports()
    for schedule in (first, second):
        schedule.refresh_from_db()
        assert "no longer" in schedule.problem


def test_one_can_be_ended_by_its_owner_alone(client, auditor):
    schedule = make_schedule(auditor)
    other = make_schedule(make_user("Manager"))
    assert client.post(f"/exports/schedules/{other.pk}/end/").status_code == 404
    assert client.post(f"/exports/schedules/{schedule.pk}/end/").status_code == 302
    assert list(ExportSchedule.objects.all()) == [other]
    assert AuditEvent.objects.filter(action="export.schedule_ended").count() == 1


def test_an_erased_person_has_no_schedules(auditor):
    make_schedule(auditor)
    erase_account(auditor, by=make_superuser(), reason="Request 17")
    assert not ExportSchedule.objects.exists()


@pytest.mark.sqlite
def test_bad_input_is_named(client, auditor, monkeypatch):
    sent = form(client.get(NEW), NEW) | {"reason": "x"}
    hidden = make_view(make_user("Manager"))
    changes = [{"view": str(hidden.pk)}, {"view": str(2**70)}, {"interval": "hour"}]
    changes += [{"reason": ""}, {"columns": []}, {"format": "docx"}]
    for change in changes:
        response = client.post(NEW, sent | change)
        assert response.status_code == 422, change
        assert errors_of(response), change
    monkeypatch.setattr(schedules, "SCHEDULES_PER_OWNER", 0)
    assert "End one" in " ".join(errors_of(client.post(NEW, sent)))
    assert not ExportSchedule.objects.exists()


@pytest.mark.sqlite
def test_the_ladder(client):
    end = "/exports/schedules/{}/end/"
    for path in ("/exports/schedules/", NEW, end.format(1), "/exports/everyone/"):
        assert_sent_to_sign_in(client, path, methods=("post",) if "end" in path else ("get",))
    support = make_user("Support")
    client.force_login(support)
    for path in ("/exports/schedules/", NEW):
        assert_denied(client.get(path), "users.export_user", actor=support, action="export")
    answer = client.post(end.format(1))
    assert_denied(answer, "users.export_user", actor=support, action="export")
    client.force_login(make_user("Auditor"))
    assert_not_found(client, end, methods=("post",))
    assert_wrong_method(client, "/exports/schedules/", allowed="GET, HEAD")
    assert_wrong_method(client, NEW, allowed="GET, HEAD, POST")
    assert_wrong_method(client, end.format(1), allowed="POST")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("interval", "due", "now", "following"),
    [
        ("month", (2027, 1, 31), (2027, 1, 31), (2027, 2, 28)),
        ("month", (2027, 2, 28), (2027, 2, 28), (2027, 3, 31)),
        ("month", (2027, 12, 31), (2028, 2, 1), (2028, 2, 29)),
        ("week", (2027, 1, 31), (2027, 2, 20), (2027, 2, 21)),
        ("day", (2027, 1, 31), (2027, 1, 31), (2027, 2, 1)),
    ],
)
def test_the_next_run_is_a_number_of_intervals_later(interval, due, now, following):
    created_at = datetime(2026, 10, 31, 3, tzinfo=UTC)
    next_at = datetime(*due, 3, tzinfo=UTC)
    schedule = ExportSchedule(interval=interval, next_at=next_at, created_at=created_at)
    found = next_run(schedule, datetime(*now, 3, tzinfo=UTC))
    assert found == datetime(*following, 3, tzinfo=UTC)
