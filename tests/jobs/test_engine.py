"""Starting, pausing, resuming, cancelling and retrying jobs."""

import pytest
from django.db import transaction
from django_q.models import OrmQ

from tests.builders import make_superuser, make_user
from tests.jobs.kinds import assert_each_exactly_once, start
from users import access
from users.audit.models import AuditEvent
from users.exceptions import JobRefused
from users.jobs import approval, engine, worker
from users.jobs.models import Job, JobItem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]


def test_a_job_is_a_row_a_ring_and_an_event(agent):
    job = start(agent, words="all accounts", expected=31)
    assert (job.state, job.by, job.words, job.expected, job.attempt) == (
        "queued",
        agent,
        "all accounts",
        31,
        0,
    )
    assert OrmQ.objects.count() == 1
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.job_id, event.reason) == (
        "job.started",
        agent.pk,
        job.pk,
        "A test",
    )
    assert event.after == {"kind": "stamp", "selection": "all accounts", "state": "queued"}


def test_a_transaction_that_is_rolled_back_leaves_no_job(agent):
    with transaction.atomic():
        start(agent)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not OrmQ.objects.exists()
    assert not AuditEvent.objects.exists()


def test_whoever_may_not_do_it_starts_nothing(accounts):
    with pytest.raises(access.Denied):
        start(make_user("Viewer"))
    assert not Job.objects.exists()


def test_the_same_key_is_the_same_job(agent):
    job = start(agent, key="click")
    assert start(agent, key="click") == job
    assert Job.objects.count() == OrmQ.objects.count() == 1
    assert start(make_user("Support"), key="click") != job
    assert start(agent, key="another") != job


def test_nobody_has_more_jobs_than_a_person_may(agent, monkeypatch):
    monkeypatch.setattr(engine, "JOBS_PER_PERSON", 2)
    jobs = [start(agent), start(agent)]
    with pytest.raises(JobRefused, match="2 unfinished jobs"):
        start(agent)
    engine.cancel_job(jobs[0], by=agent)
    start(agent)


def test_a_job_that_needs_approval_waits_for_it(agent, monkeypatch):
    monkeypatch.setattr(engine, "needs_approval", lambda job: True)
    job = start(agent)
    assert (job.state, OrmQ.objects.count()) == ("waiting", 0)
    assert worker.work_time_slice() is None
    approval.approve_job(job, by=make_superuser())
    assert worker.work_time_slice() == job.pk
    assert_each_exactly_once(job, changed=31)
    with pytest.raises(JobRefused):
        approval.approve_job(job, by=make_superuser())


def test_a_paused_job_stands_still_until_it_is_resumed(agent, monkeypatch):
    job = start(agent)
    time_slice = worker.TimeSlice(worker.claim_job())
    monkeypatch.setattr(time_slice.kind, "max_chunk_size", 20)
    time_slice.step()
    engine.pause_job(job, by=agent)
    assert time_slice.step() == worker.NextStep.STOP
    assert worker.work_time_slice() is None
    job.refresh_from_db()
    assert (job.state, job.changed) == ("paused", 20)
    engine.resume_job(job, by=agent)
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=31)


def test_a_cancelled_job_ends_with_the_chunk_that_runs(agent):
    job = start(agent)
    time_slice = worker.TimeSlice(worker.claim_job())
    time_slice.step()
    engine.cancel_job(job, by=agent)
    assert time_slice.step() == worker.NextStep.STOP
    assert worker.work_time_slice() is None
    assert_each_exactly_once(job, changed=20)
    assert (job.state, job.ended_at is None) == ("cancelled", False)


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        (engine.pause_job, {"queued"}),
        (engine.resume_job, {"paused", "parked"}),
        (engine.cancel_job, {"queued", "paused", "parked", "waiting"}),
    ],
)
def test_a_job_is_refused_what_its_state_does_not_allow(agent, verb, states):
    for state in set(Job.State.values) - {"running"}:
        job = start(agent)
        Job.objects.filter(pk=job.pk).update(state=state)
        if state in states:
            verb(job, by=agent)
            continue
        with pytest.raises(JobRefused):
            verb(job, by=agent)
        assert Job.objects.get(pk=job.pk).state == state


@pytest.mark.parametrize("verb", [engine.pause_job, engine.cancel_job])
def test_a_job_is_its_starters_and_of_those_who_control_all(agent, verb):
    job = start(agent)
    with pytest.raises(access.Denied):
        verb(job, by=make_user("Support"))
    assert Job.objects.get(pk=job.pk).state == "queued"
    verb(job, by=make_user("Manager"))


def test_those_that_failed_are_tried_again(accounts, agent):
    job = start(agent, parameters={"raises": accounts[7].pk})
    with pytest.raises(JobRefused, match="Only a finished job"):
        engine.retry_failed(job, by=agent)
    worker.work_time_slice()
    job.refresh_from_db()
    Job.objects.filter(pk=job.pk).update(parameters={"phone": "1"})
    job.refresh_from_db()
    again = engine.retry_failed(job, by=agent)
    assert (again.parent, again.expected) == (job, 1)
    worker.work_time_slice()
    assert_each_exactly_once(again, changed=1)
    assert JobItem.objects.get(job=again).account_id == accounts[7].pk
    again.refresh_from_db()
    with pytest.raises(JobRefused, match="has no failed accounts"):
        engine.retry_failed(again, by=agent)
