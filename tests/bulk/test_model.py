"""Bulk jobs, undo, undo of undo, cancelling, crashes and people who edit in between, in whatever
order: what stands in an account is what its history says, and nobody's own change is ever taken
back.
"""

import contextlib
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.builders import make_superuser
from tests.bulk.running import start
from users.audit.models import AuditEvent
from users.bulk import undo
from users.bulk.registry import ACTIONS_BY_SLUG
from users.exceptions import JobRefused, VerbRefused
from users.jobs import engine, worker
from users.jobs.models import ENDED_STATES, Job, JobItem
from users.models import User
from users.verbs.deletion.verb import delete_account
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.suspension.verb import suspend_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pauses")]
ACCOUNTS = 8
SLUGS = ["suspension", "reinstatement", "deletion", "restoration", "password-change"]
TELLING = ("status", "status_reason", "must_change_password")


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr(worker.time, "sleep", lambda seconds: None)


class Bulk(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.root = make_superuser()
        User.objects.bulk_create(
            User(
                username=f"m{n}",
                email=f"m{n}@example.org",
                email_domain="example.org",
                password="x",
            )
            for n in range(ACCOUNTS)
        )
        self.people = list(User.objects.filter(email_domain="example.org").order_by("pk"))
        self.begun = self.values()

    def teardown(self):
        for job in Job.objects.filter(state__in=["paused", "parked"]):
            engine.resume_job(job, by=self.root)
        Job.objects.filter(state="running").update(
            heartbeat_at=Now() - worker.timedelta(seconds=worker.LEASE_SECONDS + 1)
        )
        for _ in range(100):
            if worker.work_time_slice() is None:
                break
        self.every_version_has_its_event_and_its_values()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    jobs = Bundle("jobs")

    @initialize(target=jobs)
    def one_is_done(self):
        job = start("suspension", self.people, by=self.root)
        self.finish()
        return job

    @rule(target=jobs, slug=st.sampled_from(SLUGS), number=st.integers(0, 99))
    def begin(self, slug, number):
        return start(slug, self.people[number % 3 :], by=self.root, reason=f"r{number}")

    @rule(
        target=jobs,
        job=jobs,
        after=st.booleans(),
        edited=st.sets(st.integers(0, ACCOUNTS - 1), max_size=2),
    )
    def take_back(self, job, after, edited):
        """`after`: once the queue is empty; `edited`: who was changed by hand just before."""
        if after:
            self.finish()
        for which in edited:
            self.by_hand(which, suspend_account)
            self.by_hand(which, reinstate_account)
        job.refresh_from_db()
        try:
            return undo.undo_job(job, by=self.root, reason="back")
        except JobRefused:
            return job

    @rule(steps=st.integers(1, 3))
    def work(self, steps):
        job = worker.claim_job()
        if job is None or job.state != "running":
            return
        time_slice = worker.TimeSlice(job)
        time_slice.size = 3
        for _ in range(steps):
            if time_slice.step() != worker.NextStep.CONTINUE:
                return
        time_slice.release()

    @rule()
    def finish(self):
        while worker.work_time_slice() is not None:
            pass

    @rule(job=jobs)
    def crash(self, job):
        Job.objects.filter(pk=job.pk, state="running").update(
            heartbeat_at=Now() - worker.timedelta(seconds=worker.LEASE_SECONDS + 1)
        )

    @rule(job=jobs, verb=st.sampled_from([engine.pause_job, engine.resume_job, engine.cancel_job]))
    def control(self, job, verb):
        with contextlib.suppress(JobRefused):
            verb(job, by=self.root)

    @rule(
        which=st.integers(0, ACCOUNTS - 1),
        verb=st.sampled_from([suspend_account, reinstate_account, delete_account]),
    )
    def by_hand(self, which, verb):
        with contextlib.suppress(VerbRefused):
            verb(self.people[which], by=self.root, reason="by hand")

    def values(self) -> dict[int, dict[str, Any]]:
        return {
            row["pk"]: row
            for row in User.objects.filter(email_domain="example.org").values(
                "pk", "version", *TELLING
            )
        }

    @invariant()
    def every_version_has_its_event_and_its_values(self):
        """Replaying the events, one for each version, gives the row."""
        history: dict[int, list[AuditEvent]] = {pk: [] for pk in self.begun}
        for event in AuditEvent.objects.filter(target_id__in=list(history)).order_by("id"):
            history[event.target_id].append(event)
        for pk, row in self.values().items():
            replayed = dict(self.begun[pk])
            assert [event.target_version for event in history[pk]] == list(
                range(2, row["version"] + 1)
            )
            for event in history[pk]:
                assert {name: replayed[name] for name in event.before if name in TELLING} == {
                    name: value for name, value in event.before.items() if name in TELLING
                }
                replayed |= {name: value for name, value in event.after.items() if name in TELLING}
            assert replayed | {"version": row["version"]} == row

    @invariant()
    def an_undo_touches_only_what_its_job_left(self):
        """An account that an undo put back had had no event between that job's and the undo's."""
        for job in Job.objects.filter(kind__regex="^(undo|redo)-"):
            of = dict(
                JobItem.objects.filter(job=job.parameters["of"], outcome="changed").values_list(
                    "account_id", "version"
                )
            )
            for pk, version in job.items.filter(outcome="changed").values_list(
                "account_id", "version"
            ):
                assert version == of[pk] + 1

    @invariant()
    def the_counts_reconcile(self):
        for job in Job.objects.all():
            assert job.selected == job.changed + job.skipped + job.failed + job.unchanged
            assert not job.failed
            if job.state in ENDED_STATES and job.state != "cancelled":
                assert job.selected == (job.expected or job.selected)


@pytest.mark.long
def test_whatever_happens_in_whatever_order(monkeypatch, settings_of_engine):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    run_state_machine_as_test(
        Bulk,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=checks
        ),
    )


@pytest.fixture
def settings_of_engine(monkeypatch):
    monkeypatch.setattr(engine, "JOBS_PER_PERSON", 1000)
    for slug in SLUGS:
        monkeypatch.setattr(type(ACTIONS_BY_SLUG[slug]), "max_chunk_size", 3)
        monkeypatch.setattr(type(ACTIONS_BY_SLUG[slug]), "first_chunk_size", 3)
    monkeypatch.setattr(undo.Undo, "first_chunk_size", 3)
    monkeypatch.setattr(undo.Undo, "max_chunk_size", 3)
