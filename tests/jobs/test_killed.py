"""Jobs with real workers that are killed, stopped and told lies: each account is changed exactly
once all the same.

KILLS=200 ACCOUNTS=100000 makes the first test the long one, of an hour.
"""

import os
import signal

import psutil
import psycopg
import pytest
from django.core.cache import caches
from django.db import connection
from django_q.models import OrmQ

from tests.builders import make_superuser
from tests.jobs.killing import Prey, hasty, kill_all_around
from tests.jobs.kinds import assert_each_exactly_once, start
from tests.outside import outside_triggers
from tests.processes import Running, until
from users.audit.models import AuditEvent
from users.jobs import engine
from users.jobs.models import Job, JobItem
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]  # as in production
KILLS = int(os.environ.get("KILLS", "10"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", "5000"))
ENDLESS = {"slow": 0.03}  # seconds for each account: longer than a test takes until it hurries
SLOW = (
    0.6 * KILLS / ACCOUNTS
)  # seconds for each account, so that the job is not done before it was killed so often


def make_accounts(number: int) -> None:
    User.objects.bulk_create(
        (
            User(username=f"u{n}", email=f"u{n}@example.com", search_key=f"u{n}")
            for n in range(number)
        ),
        batch_size=2000,
    )


@pytest.fixture
def root():
    return make_superuser()


def ended(*jobs: Job) -> bool:
    for job in jobs:
        job.refresh_from_db()
    return all(job.has_ended for job in jobs)


def begun(job: Job) -> bool:
    job.refresh_from_db()
    return job.selected > 0


def hurry(job: Job) -> None:
    """From its next chunk on it takes no longer than it needs."""
    job.refresh_from_db()
    Job.objects.filter(pk=job.pk).update(parameters=job.parameters | {"slow": 0})


@pytest.mark.long(20)
def test_whatever_is_killed_each_account_is_changed_exactly_once(root, tmp_path):
    make_accounts(ACCOUNTS)
    with outside_triggers():
        job = start(root, expected=ACCOUNTS + 1, parameters={"slow": SLOW})
        prey = Prey(tmp_path)
        try:
            until(lambda: begun(job))
            kill_all_around(prey, job, KILLS, longest=1)
            # Three deaths in a row without progress are as good as a chunk that kills.
            for _ in range(10):
                until(lambda: ended(job) or job.state == "parked", 600)
                if job.state == "parked":
                    engine.resume_job(job, by=root)
        finally:
            prey.stop()
    print(prey.killed, "attempts:", job.attempt)
    assert sum(prey.killed.values()) >= KILLS * 0.8
    assert_each_exactly_once(job, changed=ACCOUNTS + 1)
    assert not Job.objects.exclude(state="done").exists()
    assert User.objects.filter(version=2).count() == ACCOUNTS + 1
    assert AuditEvent.objects.filter(action="account.edited").count() == ACCOUNTS + 1
    assert JobItem.objects.count() == ACCOUNTS + 1
    assert not AuditEvent.objects.filter(action="account.changed_outside").exists()


def test_a_chunk_that_kills_its_process_is_parked_and_others_go_on(root, tmp_path):
    make_accounts(100)
    victim = root.pk
    deadly = start(root, parameters={"dies": victim})
    other = start(root, phone="2")
    with hasty(tmp_path):
        until(lambda: ended(other))
        until(lambda: Job.objects.get(pk=deadly.pk).state == "parked")
    deadly.refresh_from_db()
    assert "3 attempts in a row" in deadly.note
    assert (deadly.selected, JobItem.objects.filter(job=deadly).count()) == (0, 0)
    assert_each_exactly_once(other, changed=101)


STALE = "stops, since the job was ended or taken over"


def freeze(worker: Running) -> None:
    """All its processes, once the one that works has stopped itself."""
    until(lambda: any(process.status() == psutil.STATUS_STOPPED for process in worker.tree()))
    for process in worker.tree():
        process.suspend()


def everything(job: Job) -> list:
    events = AuditEvent.objects.filter(action="account.edited").count()
    return [
        Job.objects.filter(pk=job.pk).values().get(),
        JobItem.objects.count(),
        events,
        User.objects.filter(version=2).count(),
    ]


@pytest.mark.parametrize("where", ["between chunks", "in a chunk"])
def test_a_worker_that_is_stopped_past_its_lease_writes_nothing_afterwards(root, tmp_path, where):
    """SQLite's own lock of the whole database would last as long as the stopped process that has
    it.
    """
    make_accounts(500)
    job = start(root, parameters={"slow": 0.002})
    with hasty(tmp_path, STOPS=where) as first:
        freeze(first)
        before = Job.objects.get(pk=job.pk)
        assert 0 < before.selected < 501
        with hasty(tmp_path):
            until(lambda: ended(job))
        stored = everything(job)
        assert job.attempt > before.attempt
        for process in first.tree():
            process.resume()
        until(lambda: STALE in first.said())
        assert everything(job) == stored
    assert_each_exactly_once(job, changed=501)


def test_it_needs_neither_the_queue_nor_redis_nor_a_worker_all_the_time(root, tmp_path):
    make_accounts(500)
    job = start(root, parameters=ENDLESS)
    OrmQ.objects.all().delete()
    with hasty(tmp_path):
        until(lambda: begun(job))
    assert not ended(job)
    hurry(job)
    OrmQ.objects.all().delete()
    caches["pages"].clear()
    with hasty(tmp_path):
        until(lambda: ended(job))
    assert_each_exactly_once(job, changed=501)


def test_two_jobs_that_contradict_each_other_both_end(root, tmp_path):
    make_accounts(500)
    jobs = [start(root, phone=phone, parameters={"slow": 0.001}) for phone in ("1", "2")]
    with hasty(tmp_path), hasty(tmp_path):
        until(lambda: ended(*jobs))
    for job in jobs:
        assert (job.changed, job.failed, job.skipped) == (501, 0, 0)
        assert AuditEvent.objects.filter(job_id=job.pk, action="account.edited").count() == 501
    assert User.objects.filter(version=3).count() == 501


def test_connections_that_the_server_ends_cost_nothing(root, tmp_path):
    make_accounts(200)
    job = start(root, parameters={"slow": 0.003})
    ending = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = %s AND pid <> pg_backend_pid()"
    )
    with hasty(tmp_path), psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as elsewhere:
        until(lambda: begun(job))
        while not ended(job):
            connection.close()
            elsewhere.execute(ending, [connection.settings_dict["NAME"]])
            before = Job.objects.get(pk=job.pk).selected
            until(
                lambda before=before: ended(job) or job.selected > before or job.state == "parked"
            )
    assert_each_exactly_once(job, changed=201)


def checkpointer() -> int:
    """The process of the server that writes checkpoints, 0 while the server does not answer. It is
    another one after a crash.
    """
    sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as visitor:
            [pid] = visitor.execute(sql).fetchone() or [0]
    except psycopg.OperationalError:
        return 0
    return pid


def test_a_server_that_starts_anew_midway_costs_nothing(root, tmp_path):
    """Once one of its processes is killed, PostgreSQL ends all others, and recovers from its log as
    after a crash.
    """
    make_accounts(200)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # or it would replay all that the tests before have written
    job = start(root, parameters=ENDLESS)
    with hasty(tmp_path):
        until(lambda: begun(job))
        connection.close()
        before = checkpointer()
        with psycopg.connect(os.environ["DATABASE_URL"]) as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                victim.execute("SELECT 1")
        until(lambda: checkpointer() not in (0, before))
        assert not ended(job)
        hurry(job)
        until(lambda: ended(job))
    assert_each_exactly_once(job, changed=201)


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGTERM], 0),
        ([signal.SIGTERM, signal.SIGTERM], 0),
        ([signal.SIGINT], 0),
        ([signal.SIGTERM, signal.SIGKILL], -signal.SIGKILL),
    ],
    ids=["TERM", "TERM twice", "INT", "TERM past the grace period"],
)
def test_a_worker_that_is_asked_to_stop_leaves_a_job_that_goes_on(root, tmp_path, signals, code):
    make_accounts(500)
    job = start(root, parameters=ENDLESS)
    with hasty(tmp_path, LONG_SLICE="3") as worker:
        until(lambda: begun(job))
        for number in signals:
            worker.process.send_signal(number)
            until(lambda: "Stopping" in worker.said())
        assert worker.process.wait(120) == code
    hurry(job)
    with hasty(tmp_path):
        until(lambda: ended(job))
    assert_each_exactly_once(job, changed=501)
