"""Alarms: each is raised at its limit and not before, and sends one email until it has ended."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from settings import BASE_DIR
from tests.builders import make_superuser, make_user
from users.audit.models import AuditEvent, ChainHead
from users.audit.tasks import seal_audit_chain
from users.health import alarm_emails, alarms
from users.health.alarms import ALARMS, current_alarms
from users.health.models import AlarmRecord
from users.health.readiness import PROBES
from users.jobs.models import Job, ScheduledRun
from users.jobs.scheduled_runs import record_run
from users.mail.message_content import compose_mail, drop_reason
from users.mail.models import Message
from users.role_grants import record_grants

pytestmark = pytest.mark.django_db
SEAL = "users.audit.tasks.seal_audit_chain"


@pytest.fixture(autouse=True)
def all_well(settings):
    Schedule.objects.update(next_run=timezone.now())
    settings.ALARM_DISK_PERCENT = 101
    settings.ALARM_JOB_MINUTES = 15
    settings.ALARM_EMAIL_MINUTES = 60


def raised() -> dict[str, str]:
    return {alarm.name: alarm.text for alarm in current_alarms()}


def ago(minutes: float):
    return timezone.now() - timedelta(minutes=minutes)


def ended_run(minutes: float, *, result: str = "") -> dict:
    """What django-q2's worker returns."""
    at = ago(minutes)
    started = at - timedelta(seconds=2)
    success = not result
    return {"name": SEAL, "success": success, "result": result, "started": started, "stopped": at}


def test_without_a_cause_there_is_none():
    assert raised() == {}


def test_a_schedule_that_is_not_started_is_late():
    Schedule.objects.filter(name=SEAL).update(next_run=ago(4))
    assert raised() == {}
    Schedule.objects.filter(name=SEAL).update(next_run=ago(6))
    assert raised()["schedules"].startswith("Seal audit chain overdue since ")


def test_a_schedule_whose_runs_fail_is_late_and_its_error_has_no_values():
    record_run(ended_run(4))
    error = "secret : Traceback (most recent call last):\n  File x\nusers.Odd: Key (email)=(a@b.c)"
    record_run(ended_run(3, result=error))
    run = ScheduledRun.objects.get()
    assert (run.error, run.durations, run.seconds) == ("users.Odd", [2.0, 2.0], 2.0)
    assert raised() == {}
    ScheduledRun.objects.update(succeeded_at=ago(7))
    assert "schedules" in raised()
    ScheduledRun.objects.update(succeeded_at=None)
    assert raised()["schedules"].endswith(f" since {run.ended_at:%Y-%m-%d %H:%M} UTC")


def test_a_task_that_nobody_takes_is_named():
    task = OrmQ.objects.create(key="main", payload="", lock=ago(4))
    assert raised() == {}
    OrmQ.objects.filter(pk=task.pk).update(lock=ago(6))
    assert raised() == {"queue": "oldest task of main has been waiting for 6 minutes"}


def test_a_job_that_nobody_takes_is_named():
    job = Job.objects.create(kind="x", by_text="x", due_at=ago(14))
    assert raised() == {}
    Job.objects.update(due_at=ago(16))
    assert raised()["jobs"].startswith(f"job {job.pk} has been waiting since ")


def test_the_oldest_individual_email_counts_whenever_its_next_attempt_is():
    account = make_user()
    fields = {"account": account, "kind": "invitation", "to": account.email}
    Message.objects.create(**fields, created_at=ago(200), is_bulk=True)
    Message.objects.create(**fields, created_at=ago(59), due_at=ago(1))
    assert raised() == {}
    later = timezone.now() + timedelta(hours=1)
    Message.objects.create(**fields, created_at=ago(61), due_at=later)
    assert raised()["emails"].startswith("oldest email has been waiting since ")


def test_sealing_that_has_stopped_is_named_and_a_long_queue_of_events_is_not():
    AuditEvent.objects.create(action="account.viewed", at=ago(11))
    assert raised()["sealing"].startswith("oldest unsealed event is from ")
    ChainHead.objects.update_or_create(pk=1, defaults={"anchored_at": ago(11)})
    assert raised() == {}
    ChainHead.objects.update(anchored_at=ago(13))
    assert "sealing" in raised()
    seal_audit_chain()
    assert raised() == {}


def test_a_disk_that_is_nearly_full_is_named(settings, monkeypatch):
    usage = SimpleNamespace(used=96, free=4, total=110)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    settings.ALARM_DISK_PERCENT = 97
    assert raised() == {}
    settings.ALARM_DISK_PERCENT = 96
    assert raised() == {"disk": "96 % full"}


def test_each_alarm_has_a_section_in_the_runbook():
    text = (BASE_DIR / alarms.RUNBOOK).read_text()
    for alarm in ALARMS:
        assert f"\n### Alarm: {alarm.name}\n" in text
        raised_alarm = alarms.RaisedAlarm(alarm.name, alarm.label, "", alarm.advice)
        assert raised_alarm.anchor == f"alarm-{alarm.name}"


def test_each_other_check_has_a_line_in_the_runbook():
    text = (BASE_DIR / alarms.RUNBOOK).read_text()
    table = text.split("| check | what to do |")[1].split("\n\n")[0]
    named = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert named == [probe.name for probe in PROBES if probe not in ALARMS]


def test_administrators_get_one_email_until_the_alarm_has_ended():
    root = make_superuser()
    administrator = make_user("Administrator")
    make_user("Manager")
    make_user("Administrator", status="suspended")
    former = make_user("Administrator")
    record_grants([former.pk], former.groups.all(), by=root, until=ago(1))
    assert alarm_emails.report_alarms() == 0
    Job.objects.create(kind="x", by_text="x", due_at=ago(16))
    assert [alarm_emails.report_alarms() for _ in range(3)] == [1, 0, 0]
    messages = list(Message.objects.order_by("account_id"))
    assert [message.account for message in messages] == [root, administrator]
    assert {drop_reason(message) for message in messages} == {""}
    mail = compose_mail(messages[0])
    assert mail.subject == "Rollcall alarm: Jobs"
    assert "docs/operating.md#alarm-jobs" in mail.body
    assert "/status/" in mail.body
    # It ends, for less than ten minutes; then for longer.
    Job.objects.update(due_at=ago(0))
    assert alarm_emails.report_alarms() == 0
    Job.objects.update(due_at=ago(16))
    assert alarm_emails.report_alarms() == 0
    AlarmRecord.objects.update(seen_at=ago(11))
    Job.objects.update(due_at=ago(0))
    assert alarm_emails.report_alarms() == 0
    Job.objects.update(due_at=ago(16))
    assert alarm_emails.report_alarms() == 1


def test_triggers_of_a_newer_release_send_no_email_while_it_is_deployed(monkeypatch):
    make_superuser()
    triggers = replace(
        next(alarm for alarm in ALARMS if alarm.name == "triggers"),
        find_problem=lambda: "users_auditevent_row is changed",
        reuse_seconds=0,
    )
    monkeypatch.setattr(alarms, "ALARMS", (triggers,))
    MigrationRecorder(connection).record_applied("users", "0999_later")
    assert list(raised()) == ["triggers"]
    assert alarm_emails.report_alarms() == 0
    MigrationRecorder(connection).migration_qs.filter(name="0999_later").update(applied=ago(61))
    assert alarm_emails.report_alarms() == 1
