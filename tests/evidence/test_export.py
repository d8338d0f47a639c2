"""GET and POST /audit/export/, and the files with audit events."""

import csv
import io
import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method, errors_of
from tests.audit.tampering import SESSION, in_session
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, work
from tests.pages import form, read
from users.audit.chain import seal_waiting_events
from users.audit.models import AuditEvent
from users.audit.record import build_event, record_event
from users.audit.tasks import apply_retention
from users.audit.trail import counting
from users.audit.trail.filter import TrailFilter
from users.evidence import export_job
from users.evidence.export_job import ExportEvents, start_event_export
from users.evidence.forgetting import remove_event_rows
from users.evidence.stored_filter import (
    count_events_up_to,
    filter_words,
    parse_stored_filter,
    store_filter,
)
from users.exceptions import BadParameter
from users.jobs.models import Job
from users.models import User
from users.privacy.tasks import redact_waiting_texts
from users.transfer.exports.file_content import stream_file
from users.verbs.erasure.verb import erase_account
from users.verbs.suspension.verb import suspend_account

pytestmark = pytest.mark.django_db
PATH = "/audit/export/"


@pytest.fixture
def auditor(client) -> User:
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def suspended(reason: str = "=cmd()", **fields) -> User:
    account = make_user(**fields)
    suspend_account(account, by=make_superuser(), reason=reason)
    return account


def export(by: User, query: str = "", file_format: str = "csv") -> Job:
    return work(start_event_export(query, by=by, file_format=file_format, reason="Review"))


def content(job: Job) -> str:
    return b"".join(stream_file(job.export)).decode("utf-8-sig")


def rows(job: Job) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(job))))


def test_the_events_of_the_filter_become_a_file(client, auditor):
    ada = suspended()
    suspended()
    link = read(client.get(f"/audit/?target={ada.pk}")).one("main").all("a", class_="button plain")
    path = f"{PATH}?target={ada.pk}"
    assert path in [a.attributes["href"] for a in link]
    page = client.get(path)
    assert f"Affected account: account {ada.pk}" in read(page).one("main").text
    sent = form(page, path) | {"reason": "Review", "ticket": "SUP-17"}
    answer = client.post(path, sent)
    # A double click starts one job.
    assert client.post(path, sent)["Location"] == answer["Location"]
    job = work(Job.objects.get())
    assert (job.state, job.unchanged, job.ticket) == ("done", 1, "SUP-17")
    shown = read(client.get(f"/jobs/{job.pk}/")).one("main").text
    assert "Export 1 event" in shown
    assert "account" not in shown.lower().replace(f"affected account: account {ada.pk}", "")
    [row] = rows(job)
    assert (row["action"], row["label"], row["target"]) == (
        "account.suspended",
        "Suspended",
        ada.username,
    )
    assert (row["reason"], json.loads(row["after"])["status"]) == ("'=cmd()", "suspended")
    answer = client.get(f"/exports/{job.export.pk}/file/")
    assert answer["Content-Disposition"] == f'attachment; filename="audit-{job.pk}.csv"'
    assert len(b"".join(answer)) == int(answer["Content-Length"])
    events = AuditEvent.objects.filter(job_id=job.pk).order_by("pk")
    assert [(event.action, event.ticket) for event in events] == [
        ("job.started", "SUP-17"),
        ("audit.exported", "SUP-17"),
        ("job.done", "SUP-17"),
        ("export.downloaded", "SUP-17"),
    ]
    assert "Audit trail" in read(client.get("/exports/")).one("tbody").text


def test_a_line_of_json_has_the_values_as_they_are(auditor):
    with in_session():
        ada = suspended()
    [line] = content(export(auditor, f"target={ada.pk}", "jsonl")).splitlines()
    event = json.loads(line)
    stored = AuditEvent.objects.get(target_id=ada.pk)
    assert (event["id"], event["reason"], event["after"]) == (stored.pk, "=cmd()", stored.after)
    assert event["session_id"] == str(SESSION)
    assert event["at"].startswith(f"{stored.at:%Y-%m-%dT%H:%M:%S.%f}")


def test_what_is_masked_for_the_person_is_masked_in_the_file(client, auditor):
    with in_session():
        suspended("Wrote to quaxi@example.org", email="ada@example.org")
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="view_personal"))
    text = content(export(User.objects.get(pk=auditor.pk), "action=account.suspended"))
    assert "q•••@example.org" in text
    assert "quaxi" not in text
    assert str(SESSION) not in text
    assert "masked" in read(client.get(PATH)).one("form", method="post").text


def test_who_may_no_longer_see_the_trail_gets_no_events(client, auditor):
    suspended()
    done = export(auditor)
    waiting = start_event_export("", by=auditor, file_format="csv", reason="Review")
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="view_auditevent"))
    work(waiting)
    assert (waiting.state, waiting.export.pieces.exists()) == ("parked", False)
    answer = client.get(f"/exports/{done.export.pk}/file/")
    assert_denied(answer, "users.view_auditevent", actor=auditor, action="view_audit")


def test_a_large_export_needs_a_second_person(client, auditor, settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {ExportEvents.name: 1}
    suspended()
    suspended()
    page = client.get(f"{PATH}?action=account.suspended")
    assert "A second person must approve" in read(page).one("main").text
    job = start_event_export(
        "action=account.suspended", by=auditor, file_format="csv", reason="Review"
    )
    assert (job.state, job.expected) == ("waiting", 2)
    with CaptureQueriesContext(connection) as queries:
        assert ExportEvents().fingerprint(job)[0] == 2
    assert len(queries) == 0  # counting fifty million events again takes too long
    boss = make_superuser()
    client.force_login(boss)
    approval = read(client.get(f"/jobs/{job.pk}/approval/")).one("main").text
    assert "You approve exactly these events." in approval
    suspended()  # after the request, so it is not in the file
    client.post(f"/jobs/{job.pk}/approval/")
    assert (work(job).state, len(rows(job))) == ("done", 2)


def test_an_erased_person_is_removed_from_the_files(auditor):
    ada = suspended(email="quaxi1902@example.org")
    eve = suspended("Friend of quaxi1902@example.org")
    job = export(auditor, "action=account.suspended")
    accounts = work_accounts(auditor, ada)
    erase_account(ada, by=make_superuser(), reason="Request 17")
    assert [row["target_id"] for row in rows(job)] == [str(eve.pk)]
    # A file of accounts has the ids of accounts, which events may have too.
    assert content(accounts).count("\n") == 1
    redact_waiting_texts()
    assert rows(job) == []


def test_retention_removes_old_events_from_the_files(auditor, settings):
    settings.AUDIT_VALUE_YEARS = 3
    long_ago = timezone.now() - timedelta(days=4 * 366)
    with patch("users.audit.record.database_now", lambda: long_ago):
        ada = suspended("Old words")
    seal_waiting_events()
    job = export(auditor, f"target={ada.pk}", "jsonl")
    assert "Old words" in content(job)
    apply_retention()
    assert content(job) == ""


def work_accounts(by: User, account: User) -> Job:
    parameters = {"columns": ["id"], "format": "csv"}
    return run("export", [account], by=by, parameters=parameters)


def test_rows_of_events_are_removed_from_files_of_events_alone(auditor):
    ada = suspended()
    job = export(auditor, f"target={ada.pk}")
    accounts = work_accounts(auditor, ada)
    remove_event_rows([ada.pk + 10_000])
    assert len(rows(job)) == 1
    remove_event_rows([AuditEvent.objects.get(target_id=ada.pk).pk, ada.pk])
    assert (rows(job), len(content(accounts).splitlines())) == ([], 2)


def test_rare_events_are_found_in_short_spans_of_ids(auditor, monkeypatch):
    monkeypatch.setattr(export_job, "WIDEST_SPAN", 3)
    monkeypatch.setattr(ExportEvents, "first_chunk_size", 1)
    first = suspended("Rare words")
    AuditEvent.objects.bulk_create([build_event("account.edited", actor=None) for _ in range(40)])
    last = suspended("Rare words")
    job = start_event_export("text=Rare+words", by=auditor, file_format="csv", reason="Review")
    # PostgreSQL gives no number again that a test before used, and there may be thousands.
    Job.objects.filter(pk=job.pk).update(cursor=AuditEvent.objects.earliest("pk").pk - 10)
    job.refresh_from_db()
    found = rows(work(job))
    assert [row["target_id"] for row in found] == [str(first.pk), str(last.pk)]


def test_who_may_not_see_addresses_gets_no_link_with_one(client, auditor):
    AuditEvent.objects.create(action="account.edited", actor_text="x", ip="192.0.2.7")
    job = export(auditor, "ip=192.0.2.7")
    words = "events: IP address (hidden)"
    started = AuditEvent.objects.get(action="job.started")
    assert (job.words, started.after["selection"]) == (words, words)
    link = "/audit/?ip=192.0.2.7"
    assert link in client.get(f"/jobs/{job.pk}/").content.decode()
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="view_personal"))
    assert "ip=192" not in client.get(f"/jobs/{job.pk}/").content.decode()


def test_a_filter_is_said_in_words():
    assert filter_words("", masked=False) == "all events"
    words = "events: actor: account 1; affected account: account 2; IP address 192.0.2.7; job 3"
    query = "ip=192.0.2.7&actor=1&target=2&job=3"
    assert filter_words(query, masked=False) == words


def test_a_stored_filter_means_the_same_days_everywhere():
    with timezone.override("Asia/Tokyo"):
        query = store_filter(TrailFilter.parse(QueryDict("from=2026-03-04&to=-1d&text=phone")))
        today = timezone.localdate()
    with timezone.override("America/New_York"):
        values = parse_stored_filter(query, masked=False).values
        words = filter_words(query, masked=False)
    day = today - timedelta(days=1)
    expected = {"text": "phone", "from": "2026-03-04 Asia/Tokyo", "to": f"{day} Asia/Tokyo"}
    assert values == expected
    assert "since 2026-03-04 (Asia/Tokyo)" in words


def test_an_export_for_a_masked_viewer_finds_nothing_by_what_is_hidden():
    record_event("account.edited", actor=None, reason="Kim is kim@old.example")
    newest = AuditEvent.objects.newest_id()
    for masked, number in ((False, 1), (True, 0)):
        assert count_events_up_to("text=kim", newest, 9, masked=masked) == number
    with pytest.raises(BadParameter):
        parse_stored_filter("value=kim@old.example", masked=True)


@pytest.mark.postgresql
def test_an_export_is_not_counted_without_a_bound(client, auditor, monkeypatch):
    for reason in ("Asked by phone", "Spam", "Asked by phone"):
        record_event("account.edited", actor=None, reason=reason)
    path = f"{PATH}?text=ph"
    assert "Events 2" in read(client.get(path)).one("main").text
    monkeypatch.setattr(counting, "COUNT_BLOCKS", 0)
    page = client.get(path)
    assert "Events Not counted" in read(page).one("main").text
    sent = form(page, path) | {"reason": "Review"}
    monkeypatch.setattr(counting, "COUNT_SECONDS", -1)
    answer = client.post(path, sent)
    assert (answer.status_code, Job.objects.count()) == (409, 0)
    assert "Narrow the filter" in read(answer).one("main").text


# --- the ladder -----------------------------------------------------------------------------------


def test_who_may_not_export_or_not_see_the_trail_is_refused(client):
    assert_sent_to_sign_in(client, PATH)
    support = make_user("Support")
    client.force_login(support)
    for answer in (client.get(PATH), client.post(PATH, {"reason": "x"})):
        assert_denied(answer, "users.view_auditevent", actor=support, action="view_audit")
    support.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    assert_denied(client.get(PATH), "users.export_user", actor=support, action="export")
    assert PATH not in client.get("/audit/").content.decode()


def test_other_methods_and_wrong_filters_are_refused(client, auditor):
    assert_wrong_method(client, PATH, allowed="GET, HEAD, POST")
    assert client.get(f"{PATH}?colour=red").status_code == 400
    assert client.get(f"{PATH}?target=x")["Location"] == "/audit/?target=x"


def test_what_was_typed_stays_with_an_error(client, auditor):
    suspended()
    sent = form(client.get(PATH), PATH) | {"format": "jsonl", "reason": " "}
    answer = client.post(PATH, sent)
    assert answer.status_code == 422
    assert any("required" in error for error in errors_of(answer))
    assert form(answer, PATH)["format"] == "jsonl"
    empty = f"{PATH}?job=999"
    assert "No events match" in read(client.get(empty)).one("main").text
    answer = client.post(empty, sent | {"reason": "Review"})
    assert (answer.status_code, Job.objects.count()) == (409, 0)
