"""The clean-up by retention: what is old goes, in batches, and the rest stays."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from tests.builders import make_user
from tests.tokens.builders import make_token
from users.health import cleanup
from users.jobs.models import Job, JobItem
from users.mail.models import DeliveryEvent, SendingLimit
from users.sessions.models import SignInEvent
from users.tokens.models import ApiToken, TokenMinute

pytestmark = pytest.mark.django_db


def days_ago(days: int):
    return timezone.now() - timedelta(days=days)


@pytest.fixture(autouse=True)
def retention(settings, tmp_path, monkeypatch):
    settings.SIGN_IN_EVENT_DAYS = 100
    settings.JOB_ITEM_DAYS = 10
    settings.BULK_UNDO_DAYS = 30
    settings.MAIL_DIR = tmp_path
    monkeypatch.setattr(cleanup, "BATCH", 2)


def test_old_attempts_to_sign_in_go_in_batches_and_newer_ones_stay(settings):
    for days in (300, 200, 101, 99, 1):
        SignInEvent.objects.create(at=days_ago(days), outcome="ok")
    assert cleanup.delete_sign_in_events() == 2
    assert cleanup.run_cleanup()["sign-in events"] == 1
    assert SignInEvent.objects.count() == 2
    settings.SIGN_IN_EVENT_DAYS = 0
    SignInEvent.objects.update(at=days_ago(9000))
    assert cleanup.run_cleanup()["sign-in events"] == 0


def test_applied_reports_of_providers_go_and_those_that_wait_stay(settings):
    settings.DELIVERY_EVENT_DAYS = 100
    for number, (days, applied) in enumerate([(300, 1), (200, 1), (101, 1), (99, 1), (300, 0)]):
        DeliveryEvent.objects.create(
            key=f"{number}",
            provider="brevo",
            kind="delivered",
            at=days_ago(days),
            received_at=days_ago(days),
            applied_at=days_ago(days) if applied else None,
        )
    assert cleanup.delete_delivery_events() == 2
    assert cleanup.run_cleanup()["delivery events"] == 1
    assert DeliveryEvent.objects.count() == 2
    settings.DELIVERY_EVENT_DAYS = 0
    DeliveryEvent.objects.update(received_at=days_ago(9000))
    assert cleanup.run_cleanup()["delivery events"] == 0


def test_results_of_ended_jobs_go_once_no_undo_needs_them():
    account = make_user()
    jobs = {}
    for state, days in (("done", 40), ("done", 20), ("running", 40)):
        job = Job.objects.create(kind="x", state=state, by_text="x", ended_at=days_ago(days))
        for number in range(3):
            JobItem.objects.create(job=job, account_id=account.pk + number, outcome="changed")
        jobs[job.pk] = 0 if (state, days) == ("done", 40) else 3
    assert cleanup.run_cleanup()["results of jobs"] == 3
    assert {pk: JobItem.objects.filter(job=pk).count() for pk in jobs} == jobs


def test_tasks_that_no_cluster_takes_and_old_mail_files_go(tmp_path):
    for days in (8, 6):
        OrmQ.objects.create(key="gone", payload="", lock=days_ago(days))
    for name, days in (("old.eml", 31), ("old.html", 31), ("new.eml", 29)):
        path = tmp_path / name
        path.touch()
        os.utime(path, times=(days_ago(days).timestamp(),) * 2)
    found = cleanup.run_cleanup()
    assert (found["queue tasks"], found["mail files"]) == (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["new.eml"]


def test_limits_of_domains_that_get_no_more_emails_go_and_those_in_use_stay():
    for number, days in enumerate((3, 2, 2, 0)):
        SendingLimit.objects.create(key=f"domain {number}", ready_at=days_ago(days))
    assert cleanup.run_cleanup()["sending limits"] == 3
    assert SendingLimit.objects.get().key == "domain 3"


def test_tokens_go_a_year_after_they_stopped_and_live_ones_stay():
    ada = make_user("Manager")
    kept = [make_token(ada, name=f"Kept {number}").token.pk for number in range(3)]
    ApiToken.objects.filter(pk=kept[1]).update(ends_at=days_ago(364))
    ApiToken.objects.filter(pk=kept[2]).update(revoked_at=days_ago(364))
    gone = [make_token(ada, name=f"Gone {number}").token.pk for number in range(3)]
    ApiToken.objects.filter(pk__in=gone[:2]).update(ends_at=days_ago(366))
    ApiToken.objects.filter(pk=gone[2]).update(revoked_at=days_ago(366))
    for pk in (kept[1], gone[2]):
        TokenMinute.objects.create(token_id=pk, started_at=days_ago(370), used=1)
    assert cleanup.delete_old_tokens() == 2
    assert cleanup.run_cleanup()["tokens"] == 1
    assert list(ApiToken.objects.order_by("pk").values_list("pk", flat=True)) == kept
    assert TokenMinute.objects.get().pk == kept[1]
