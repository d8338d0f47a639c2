"""Time slices: claims, chunks, what goes wrong in one, and which job is worked on next."""

import errno
import sqlite3

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django_q.models import OrmQ
from psycopg.errors import DiskFull

from tests.audit.tampering import SESSION, in_session
from tests.builders import make_superuser, make_user
from tests.jobs.kinds import Stamp, assert_each_exactly_once, start
from tests.pages import read
from users.audit.models import AuditEvent
from users.jobs import engine, worker
from users.jobs.models import Job, JobItem, JobLine
from users.models import User

STALE = "Job {}: attempt 1 stops, since the job was ended or taken over."
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]


def lose(job: Job) -> None:
    """As if its worker had died some time ago."""
    Job.objects.filter(pk=job.pk).update(
        heartbeat_at=Now() - worker.timedelta(seconds=worker.LEASE_SECONDS + 1)
    )


def test_a_job_changes_each_account_once_and_says_so(accounts, root):
    already = make_user(phone="1")
    job = start(root)
    assert worker.work_time_slice() == job.pk
    assert_each_exactly_once(job, changed=31)
    assert (job.state, job.selected, job.unchanged, job.crashes) == ("done", 32, 1, 0)
    assert job.ended_at >= job.started_at >= job.created_at
    item = JobItem.objects.get(job=job, account=accounts[0])
    assert (item.before, item.version) == ({"phone": ""}, 2)
    assert not JobItem.objects.filter(account=already).exists()
    last = AuditEvent.objects.latest("id")
    assert (last.action, last.job_id, last.after["changed"]) == ("job.done", job.pk, 31)
    assert worker.work_time_slice() is None


def test_an_account_at_which_the_work_fails_has_failed_and_the_others_have_not(accounts, root):
    bad = accounts[10]
    job = start(root, parameters={"raises": bad.pk})
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=30)
    item = JobItem.objects.get(job=job, outcome="failed")
    assert (item.account_id, item.reason) == (bad.pk, "ValueError: this one can’t be stamped")
    assert (job.state, job.failed) == ("done", 1)


def test_what_the_initiator_may_not_change_is_skipped(accounts):
    agent = make_user("Support")
    colleague = make_superuser()
    job = start(agent)
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=31)
    assert JobItem.objects.get(job=job, outcome="skipped").account_id == colleague.pk


def test_who_loses_the_right_midway_stops_the_job(accounts, monkeypatch):
    agent = make_user("Support")
    job = start(agent)
    time_slice = worker.TimeSlice(worker.claim_job())
    assert time_slice.step() == worker.NextStep.CONTINUE
    agent.groups.clear()
    assert time_slice.step() == worker.NextStep.STOP
    job.refresh_from_db()
    assert job.state == "parked"
    assert job.note.startswith(f"{agent} may no longer do this: ")
    assert 0 < job.changed < 30
    assert AuditEvent.objects.filter(action="job.parked", job_id=job.pk).exists()


def test_a_refusal_of_the_database_is_tried_again(accounts, root, monkeypatch):
    refusals = iter(range(3))
    run = Stamp.run

    def refused(self, chunk):
        run(self, chunk)
        if next(refusals, None) is not None:
            raise OperationalError("deadlock detected")

    monkeypatch.setattr(Stamp, "run", refused)
    job = start(root)
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=31)
    assert next(refusals, None) is None


def test_a_stale_worker_writes_nothing(accounts, root, caplog):
    caplog.set_level("INFO", "users.jobs.worker")
    job = start(root)
    stale = worker.TimeSlice(worker.claim_job())
    stale.step()
    lose(job)
    again = worker.TimeSlice(worker.claim_job())
    before = Job.objects.filter(pk=job.pk).values().get()
    assert stale.step() == worker.NextStep.STOP
    stale.release()  # as where it has slept past the end of its time slice
    assert [record.message for record in caplog.records] == [STALE.format(job.pk)] * 2
    assert Job.objects.filter(pk=job.pk).values().get() == before
    again.run()
    assert_each_exactly_once(job, changed=31)


def test_a_job_whose_worker_lives_is_not_taken_from_it(accounts, root):
    start(root)
    assert worker.claim_job().state == "running"
    assert worker.claim_job() is None
    assert worker.enqueue_lost_work() == 0


def test_three_attempts_without_progress_park_a_job_and_others_go_on(accounts, root):
    job = start(root)
    other = start(root, phone="2")
    for _ in range(3):
        worker.claim_job()
        lose(job)
    assert worker.work_time_slice() == other.pk
    job.refresh_from_db()
    assert (job.state, job.changed) == ("parked", 0)
    assert "3 attempts" in job.note
    assert Job.objects.get(pk=other.pk).state == "done"
    engine.resume_job(job, by=root)
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=31)


def test_progress_forgives_crashes(accounts, root, monkeypatch):
    monkeypatch.setattr(Stamp, "first_chunk_size", 4)
    monkeypatch.setattr(Stamp, "max_chunk_size", 4)
    job = start(root)
    for _ in range(5):
        worker.TimeSlice(worker.claim_job()).step()
        lose(job)
    worker.work_time_slice()
    assert_each_exactly_once(job, changed=31)
    lost = JobLine.objects.filter(job=job, code="worker_lost").order_by("pk")
    assert [line.sentence for line in lost] == [
        f"The worker died during attempt {number}." for number in range(1, 6)
    ]


def test_several_jobs_take_turns(accounts, root, monkeypatch):
    monkeypatch.setattr(worker, "SLICE_SECONDS", 0)
    monkeypatch.setattr(worker, "CHUNK_SECONDS", 3600)
    monkeypatch.setattr(Stamp, "max_chunk_size", 20)
    jobs = [start(root, phone=str(number)) for number in range(3)]
    assert [worker.work_time_slice() for _ in range(6)] == [job.pk for job in jobs] * 2


def test_a_job_of_high_priority_has_more_turns(accounts, root, monkeypatch):
    monkeypatch.setattr(worker, "SLICE_SECONDS", 0)
    monkeypatch.setattr(worker, "CHUNK_SECONDS", 3600)
    monkeypatch.setattr(Stamp, "first_chunk_size", 12)
    monkeypatch.setattr(Stamp, "max_chunk_size", 12)
    slow = start(root, phone="1")
    quick = start(root, phone="2")
    Job.objects.filter(pk=slow.pk).update(priority=Job.Priority.LOW)
    Job.objects.filter(pk=quick.pk).update(priority=Job.Priority.HIGH)
    assert [worker.work_time_slice() for _ in range(4)] == [slow.pk, quick.pk, quick.pk, quick.pk]
    assert Job.objects.get(pk=quick.pk).state == "done"


def test_a_worker_goes_on_with_a_job_that_is_alone(accounts, root, monkeypatch):
    monkeypatch.setattr(worker, "SLICE_SECONDS", 0)
    monkeypatch.setattr(Stamp, "max_chunk_size", 20)
    job = start(root)
    worker.work_time_slice()
    assert Job.objects.get(pk=job.pk).state == "done"


def test_the_sweep_rings_for_a_job_whose_ring_is_lost(accounts, root):
    job = start(root)
    assert worker.enqueue_lost_work() == 0
    OrmQ.objects.all().delete()
    assert worker.enqueue_lost_work() == 1
    assert OrmQ.objects.count() == 1
    assert job.state == "queued"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_kind_that_this_release_does_not_know_is_left_to_others(accounts, root, state):
    """While a release is deployed, its workers and those of the one before share the table."""
    job = start(root)
    Job.objects.filter(pk=job.pk).update(kind="from-tomorrow", state=state)
    lose(job)
    known = start(root)
    assert worker.work_time_slice() == known.pk
    assert worker.work_time_slice() is None
    OrmQ.objects.all().delete()
    assert worker.enqueue_lost_work() == 0  # it would find nothing to do, again and again
    job.refresh_from_db()
    assert (job.state, job.attempt, job.note) == (state, 0, "")


@pytest.mark.parametrize("error", ["file", "postgresql", "sqlite"])
def test_a_full_disk_stops_the_job_which_says_so_and_can_go_on(
    client, accounts, root, monkeypatch, error
):
    errors = {
        "file": OSError(errno.ENOSPC, "No space left on device"),
        "postgresql": caused(DiskFull("could not extend file")),
        "sqlite": caused(sqlite_full()),
    }
    monkeypatch.setattr(Stamp, "run", raise_error(errors[error]))
    job = start(root)
    worker.work_time_slice()
    job.refresh_from_db()
    assert (job.state, job.failed, job.cursor) == ("parked", 0, 0)
    client.force_login(root)
    note = read(client.get(f"/jobs/{job.pk}/")).one("p", class_="note error").text
    assert note == "The server’s disk is full. Free some space, then resume the job."
    monkeypatch.undo()
    engine.resume_job(job, by=root)
    worker.work_time_slice()
    job.refresh_from_db()
    assert (job.state, job.changed) == ("done", 31)


def caused(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def sqlite_full() -> sqlite3.OperationalError:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    return full


def raise_error(error: Exception):
    def run(self, chunk):
        raise error

    return run


def test_a_filter_that_is_no_longer_understood_parks_the_job(accounts, root):
    job = start(root, selection="all=1&colour=red")
    worker.work_time_slice()
    job.refresh_from_db()
    assert (job.state, job.note) == ("parked", "BadFilter: colour: There is no such filter.")


def test_a_handler_that_does_not_account_for_each_is_found_out(accounts, root, monkeypatch):
    monkeypatch.setattr(Stamp, "run", lambda self, chunk: chunk.unchanged(len(chunk.ids) - 1))
    job = start(root)
    worker.work_time_slice()
    job.refresh_from_db()
    assert (job.state, job.unchanged) == ("parked", 0)
    assert job.failed == worker.MAX_FAILED_ACCOUNTS
    assert "Miscounted" in job.note


def test_events_of_a_chunk_name_the_job_and_the_request_that_started_it(client, accounts, root):
    with in_session():
        job = start(root)
    # Workers of an earlier release know no other part of it.
    assert job.origin.keys() == {"ip", "user_agent", "request_id"}
    Job.objects.filter(pk=job.pk).update(
        origin={"ip": "10.0.0.1", "user_agent": "Browser", "request_id": "r1"}
    )
    worker.work_time_slice()
    event = AuditEvent.objects.filter(action="account.edited").latest("id")
    assert (event.job_id, event.ip, event.user_agent, event.request_id) == (
        job.pk,
        "10.0.0.1",
        "Browser",
        "r1",
    )
    assert event.session_id == SESSION
    assert User.objects.get(pk=event.target_id).version == event.target_version
