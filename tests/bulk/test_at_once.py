"""Bulk jobs in real workers: killed in the middle, and against each other.

KILLS=200 ACCOUNTS=100000 makes the first test the long one, of a quarter of an hour.
"""

import os
import re

import pytest
from django.db.models import Count

from tests.builders import make_superuser, make_user
from tests.bulk.running import start, work
from tests.jobs.killing import Prey, hasty, kill_all_around
from tests.processes import until
from users.audit.models import AuditEvent
from users.bulk import undo
from users.jobs import engine, worker
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]  # as in production
NUMBER = 3000
KILLS = int(os.environ.get("KILLS", "5"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", str(NUMBER)))
SLOW = (
    0.4 * KILLS / ACCOUNTS
)  # seconds for each account, so that the job is not done before it was killed so often


@pytest.fixture(autouse=True)
def nobody_has_to_approve(settings):
    settings.BULK_APPROVAL_ABOVE = 10 * ACCOUNTS


@pytest.fixture
def root():
    return make_superuser()


def make_accounts(number: int) -> None:
    User.objects.bulk_create(
        User(username=f"b{n}", email=f"b{n}@example.org", email_domain="example.org")
        for n in range(number)
    )


def over_all(slug: str, root: User, **fields) -> Job:
    return start(slug, None, by=root, selection="all=1&domain=example.org", **fields)


def ended(*jobs: Job) -> bool:
    for job in jobs:
        job.refresh_from_db()
    return all(job.has_ended for job in jobs)


def run_out(job: Job, root: User) -> bool:
    """Whether it has ended; three deaths in a row before anything is stored park it, and it is
    resumed.
    """
    if not ended(job) and job.state == "parked":
        engine.resume_job(job, by=root)
    return job.has_ended


def assert_told_once(job: Job, action: str, number: int) -> None:
    """Of each account one event and one before-image; and the counts add up."""
    assert (job.state, job.changed, job.selected, job.skipped, job.failed, job.unchanged) == (
        "done",
        number,
        number,
        0,
        0,
        0,
    )
    for rows, name in (
        (AuditEvent.objects.filter(job_id=job.pk, action=action), "target_id"),
        (JobItem.objects.filter(job=job, outcome="changed", before__isnull=False), "account_id"),
    ):
        assert rows.count() == number
        assert not rows.values(name).annotate(n=Count("*")).filter(n__gt=1).exists()


@pytest.mark.long
def test_whatever_is_killed_each_account_is_suspended_and_reinstated_exactly_once(
    root, tmp_path, monkeypatch
):
    monkeypatch.setenv("SLOW", str(SLOW))
    make_accounts(ACCOUNTS)
    job = over_all("suspension", root)
    prey = Prey(tmp_path)
    try:
        until(lambda: Job.objects.get(pk=job.pk).selected)
        kill_all_around(prey, job, KILLS, longest=0.7)
        killed = dict(prey.killed)
        until(lambda: run_out(job, root), 600)
        back = undo.undo_job(job, by=root, reason="")
        kill_all_around(prey, back, sum(killed.values()) + max(KILLS // 10, 3), longest=0.7)
        until(lambda: run_out(back, root), 600)
    finally:
        prey.stop()
    print(
        killed,
        prey.killed,
        "attempts:",
        job.attempt,
        back.attempt,
        "took:",
        job.duration,
        back.duration,
    )
    assert sum(killed.values()) >= KILLS * 0.8
    assert_told_once(job, "account.suspended", ACCOUNTS)
    assert_told_once(back, "account.undone", ACCOUNTS)
    assert not Job.objects.exclude(state="done").exists()
    of_all = User.objects.filter(email_domain="example.org")
    assert of_all.filter(status="active", version=3, session_epoch=2).count() == ACCOUNTS


def test_two_that_contradict_each_other_both_end_and_are_both_told_of(root, tmp_path):
    make_accounts(NUMBER)
    jobs = [
        over_all("suspension", root),
        over_all("reinstatement", root),
        over_all("deletion", root),
    ]
    with (
        hasty(tmp_path) as first,
        hasty(tmp_path) as second,
    ):
        until(lambda: ended(*jobs), 600)
        said = first.said() + second.said()
    assert not re.search(r"deadlock|Traceback", said)
    for job, action in zip(jobs, ("suspended", "reinstated", "deleted"), strict=True):
        assert (job.state, job.failed, job.selected) == ("done", 0, NUMBER)
        assert (
            AuditEvent.objects.filter(job_id=job.pk, action=f"account.{action}").count()
            == job.changed
        )
        assert job.changed + job.skipped == NUMBER
    changes = dict(
        JobItem.objects.filter(outcome="changed").values_list("account_id").annotate(n=Count("job"))
    )
    for pk, version in User.objects.filter(email_domain="example.org").values_list("pk", "version"):
        assert version == 1 + changes.get(pk, 0)


def test_who_loses_the_right_in_the_middle_stops_there(monkeypatch):
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)
    make_accounts(30)
    agent = make_user("Support")
    job = over_all("suspension", agent)
    time_slice = worker.TimeSlice(worker.claim_job())
    time_slice.size = 10
    time_slice.step()
    agent.groups.clear()
    assert time_slice.step() == worker.NextStep.STOP
    job.refresh_from_db()
    assert (job.state, job.changed) == ("parked", 10)
    assert "may no longer do this: Only a role that can suspend accounts may do this." in job.note
    assert User.objects.filter(status="suspended").count() == 10
    engine.cancel_job(job, by=make_superuser())
    back = work(undo.undo_job(job, by=make_user("Support"), reason=""))
    assert (back.state, back.changed) == ("done", 10)
