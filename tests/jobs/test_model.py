"""Whatever happens to jobs, in whatever order, each account is changed at most once by each, and
all that is told is true.
"""

import pytest
from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.builders import make_superuser
from tests.jobs.kinds import Stamp, start
from users.audit.models import AuditEvent
from users.exceptions import JobRefused
from users.jobs import engine, worker
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]
ACCOUNTS = 14


class Jobs(RuleBasedStateMachine):
    """Three workers, some jobs, and people who change their minds."""

    def __init__(self):
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.root = make_superuser()
        User.objects.bulk_create(
            User(username=f"m{n}", email=f"m{n}@example.com") for n in range(ACCOUNTS - 1)
        )
        self.first = self.root.pk
        self.phones = 0
        self.current: dict[int, int] = {}  # by job, the attempt that holds it

    def teardown(self):
        self.run_out()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    jobs = Bundle("jobs")
    working = Bundle("working")

    @rule(target=jobs, fails=st.booleans())
    def enqueue(self, fails):
        self.phones += 1
        only = f"joined_from={User.objects.get(pk=self.first).date_joined:%Y-%m-%d}&all=1"
        parameters = {"raises": self.first + 5} if fails else {}
        return start(self.root, phone=str(self.phones), selection=only, parameters=parameters)

    @rule(job=jobs)
    def enqueue_again(self, job):
        Job.objects.filter(pk=job.pk).update(key="k")
        assert start(self.root, key="k").pk == job.pk
        Job.objects.filter(pk=job.pk).update(key="")

    @rule(target=working)
    def claim(self):
        job = worker.claim_job()
        return worker.TimeSlice(job) if job and job.state == "running" else None

    @rule(time_slice=working)
    def work(self, time_slice):
        """A chunk; of a worker that has lost its job, too."""
        if time_slice is None:
            return
        before = Job.objects.filter(pk=time_slice.pk).values().get()
        stale = before["attempt"] != time_slice.attempt or before["state"] != "running"
        time_slice.step()
        after = Job.objects.filter(pk=time_slice.pk).values().get()
        assert (after == before) if stale else (after["cursor"] >= before["cursor"])

    @rule(time_slice=working)
    def release(self, time_slice):
        if time_slice is not None:
            time_slice.release()

    @rule(job=jobs)
    def crash(self, job):
        """Its worker is not heard of any more; it may still be there, and be stale."""
        old = Now() - worker.timedelta(seconds=worker.LEASE_SECONDS + 1)
        Job.objects.filter(pk=job.pk, state="running").update(heartbeat_at=old)

    @rule(
        job=jobs,
        verb=st.sampled_from(
            [engine.pause_job, engine.resume_job, engine.cancel_job, engine.retry_failed]
        ),
    )
    def control(self, job, verb):
        job.refresh_from_db()
        if verb is engine.cancel_job and self.phones % 3:  # or hardly anything would ever be done
            return
        try:
            verb(job, by=self.root)
        except JobRefused:
            assert job.state != "running" or verb is not engine.pause_job

    @invariant()
    def the_counts_are_those_of_the_rows(self):
        for job in Job.objects.all():
            found = dict(job.items.values_list("outcome").annotate(n=Count("account")))
            assert (job.changed, job.skipped, job.failed) == tuple(
                found.get(o, 0) for o in ("changed", "skipped", "failed")
            )
            assert job.selected == job.changed + job.skipped + job.failed + job.unchanged
            assert (
                AuditEvent.objects.filter(job_id=job.pk, action="account.edited").count()
                == job.changed
            )

    @invariant()
    def each_change_is_one_version(self):
        items = dict(
            JobItem.objects.filter(outcome="changed")
            .values_list("account")
            .annotate(n=Count("job"))
        )
        for pk, version in User.objects.values_list("pk", "version"):
            assert version == 1 + items.get(pk, 0)

    @invariant()
    def only_the_living_run(self):
        assert not Job.objects.filter(state="running", crashes__gt=worker.MAX_CRASHES).exists()

    def run_out(self):
        """In the end every job ends, with each account accounted for once."""
        Job.objects.filter(state="running").update(
            heartbeat_at=Now() - worker.timedelta(seconds=worker.LEASE_SECONDS + 1)
        )
        for job in Job.objects.filter(state__in=["paused", "parked"]):
            engine.resume_job(job, by=self.root)
        for _ in range(100):
            if worker.work_time_slice() is None:
                break
        for job in Job.objects.filter(state="parked"):  # three deaths in a row
            engine.resume_job(job, by=self.root)
            worker.work_time_slice()
        assert not Job.objects.exclude(state__in=["done", "cancelled"]).exists()
        for job in Job.objects.filter(state="done", parent=None):
            assert job.selected == ACCOUNTS
        self.the_counts_are_those_of_the_rows()


@pytest.mark.long
def test_whatever_happens_in_whatever_order(monkeypatch):
    monkeypatch.setattr(Stamp, "first_chunk_size", 4)
    monkeypatch.setattr(Stamp, "max_chunk_size", 4)
    monkeypatch.setattr(engine, "JOBS_PER_PERSON", 1000)
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    run_state_machine_as_test(
        Jobs,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=checks
        ),
    )
