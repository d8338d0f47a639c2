"""Works on jobs: claims one for a time slice of some seconds, works on it chunk by chunk, and
releases it so that other jobs get a time slice too.

Two things decide who may write: the lock of the job's row, which each chunk takes first, and the
attempt number, which each claim raises. A worker that was suspended and wakes up too late finds
another number, and writes nothing. A worker that holds the lock is alive, so a job is taken away
only if nobody holds its lock and its heartbeat is older than the lease, by the database's clock.
"""

import logging
import time
from datetime import timedelta
from enum import Enum
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from users import access
from users.database.local_settings import set_local_settings
from users.exceptions import JobRefused
from users.jobs.approval import require_unchanged
from users.jobs.kinds import CHUNK_OUTCOMES, KINDS, Chunk, JobKind, job_origin
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.jobs.remarks import Remark
from users.jobs.transitions import (
    WORK_TASK,
    add_line,
    enter_state,
    job_initiator,
    record_job_event,
)

logger = logging.getLogger(__name__)

# A job without a heartbeat for so long, whose lock nobody holds, has lost its worker.
LEASE_SECONDS = 10
# Attempts that ended without any progress, before the job is parked.
MAX_CRASHES = 3
# The length of a time slice while other jobs wait.
SLICE_SECONDS = 3
# Its length while none waits: the worker has other tasks too.
LONG_SLICE_SECONDS = 10
# The time that a chunk should take; its size adapts.
CHUNK_SECONDS = 0.5
# Between two chunks, for databases with a single writer.
PAUSE_SECONDS = {"sqlite": 0.15}
# How far a time slice sets a job back among those that wait.
REQUEUE_SECONDS = {
    Job.Priority.HIGH: 0,
    Job.Priority.NORMAL: 15,
    Job.Priority.LOW: 60,
}
# Tries of a chunk that the database refuses for a passing reason; together they take some 10 s.
MAX_CHUNK_TRIES = 12
# Accounts in a row that fail with an exception, before the job is parked: the fault is not theirs.
MAX_FAILED_ACCOUNTS = 20
# Tasks that a sweep queues at most.
MAX_LOST_TASKS = 4
State = Job.State
DATABASE_ERRORS = (OperationalError, InterfaceError)
# Of a chunk's transaction on PostgreSQL, in milliseconds. A worker that is suspended inside one
# loses its locks.
CHUNK_LIMITS = {
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "20000",
    "jit": "off",
}


class NextStep(Enum):
    """How a time slice goes on after a chunk."""

    GO_ON = "the next chunk"
    SLICE_ENDS = "the time slice ends, and another one follows"
    STOP = "the job has ended, is parked, or belongs to another worker"


def work_time_slice() -> int | None:
    """Works for one time slice on the job that is due first. Returns its id, or None if no job
    waits. Queues another task while the job has more to do.
    """
    while (job := claim_job()) is not None:
        if job.state == State.RUNNING:
            TimeSlice(job).run()
            return job.pk
    return None


def runnable_jobs() -> QuerySet[Job]:
    """Jobs that wait for a worker, and those that have lost theirs."""
    lost = Q(state=State.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=LEASE_SECONDS))
    return Job.objects.filter(Q(state=State.QUEUED) | lost)


def claim_job() -> Job | None:
    """Returns the job that is due first: claimed under a new attempt number, or parked if its
    workers have died too often.
    """
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        jobs = runnable_jobs().select_for_update(of=("self",), skip_locked=skip)
        job = jobs.order_by("due_at", "pk").first()
        if job is None:
            return None
        if job.state == State.RUNNING:
            add_line(job, Remark("worker_lost", details={"attempt": job.attempt}))
        if job.crashes >= MAX_CRASHES:
            park_job(job, Remark("workers_died", details={"attempts": MAX_CRASHES}))
        else:
            begin_attempt(job)
    return job


def begin_attempt(job: Job) -> None:
    """Stores the claim: state, attempt number, and a crash that the first chunk takes back."""
    if job.crashes:
        # A smaller chunk is stored sooner.
        job.size = max(job.size // 10, 1)
    job.attempt += 1
    job.crashes += 1
    job.state = State.RUNNING
    job.save(update_fields=["attempt", "crashes", "state", "size"])
    Job.objects.filter(pk=job.pk).update(heartbeat_at=Now())
    Job.objects.filter(pk=job.pk, started_at=None).update(started_at=Now())


def park_job(job: Job, why: Remark) -> None:
    """Stops the job until somebody resumes it. The caller holds the lock of the job's row."""
    job.note_line = add_line(job, why)
    job.crashes = 0
    enter_state(job, State.PARKED)
    record_job_event(job, "job.parked", job_initiator(job), reason=job.note)


def enqueue_lost_work() -> int:
    """Queues tasks for jobs that wait while no task does: it was lost, or its worker has died.
    Returns the number of tasks.
    """
    waiting = min(runnable_jobs().count(), MAX_LOST_TASKS)
    if not waiting or task_queue.oldest_wait(task_queue.MAIN) is not None:
        return 0
    for _ in range(waiting):
        task_queue.enqueue_task(WORK_TASK)
    return waiting


class TimeSlice:
    """The work of this process on one claimed job."""

    def __init__(self, job: Job):
        self.pk = job.pk
        self.attempt = job.attempt
        self.kind: JobKind | None = KINDS.get(job.kind)
        self.size = job.size or (self.kind.first_size if self.kind else 1)
        self.pause = PAUSE_SECONDS.get(connection.vendor, 0)
        # In a row: chunks that the database refused, and accounts that failed.
        self.refusals = 0
        self.failures = 0
        # An account that fails even alone, and its exception.
        self.failing_account: tuple[int, str] | None = None

    def run(self) -> None:
        """Works on chunks until the job stops or the time is over."""
        began = time.monotonic()
        then = NextStep.GO_ON
        while then == NextStep.GO_ON:
            then = self.step()
            if then == NextStep.GO_ON and self.is_over(time.monotonic() - began):
                then = NextStep.SLICE_ENDS
        if then == NextStep.SLICE_ENDS:
            self.release()

    def is_over(self, seconds: float) -> bool:
        if seconds <= SLICE_SECONDS:
            return False
        return seconds > LONG_SLICE_SECONDS or self.others_wait()

    def step(self) -> NextStep:
        """Works on one chunk, and handles every error of it."""
        try:
            then = self.work_chunk()
            time.sleep(self.pause)
        except DATABASE_ERRORS as error:
            return self.retry_chunk(error)
        except UnworkableJob as error:
            return self.park(error.why)
        except Exception as error:
            # The message may hold personal data, so it is in the job's note alone.
            logger.error("Job %s: a chunk failed: %s", self.pk, type(error).__name__)
            return self.park(Remark("chunk_failed", text=f"{type(error).__name__}: {error}"))
        self.refusals = 0
        return then

    def work_chunk(self) -> NextStep:
        """Works on one chunk in one transaction, from the job's lock to its new cursor."""
        began = time.monotonic()
        with transaction.atomic():
            job = self.lock_own_job()
            if job is None:
                return NextStep.STOP
            if self.kind is None:
                raise UnworkableJob(Remark("kind_unknown", details={"kind": job.kind}))
            by = job_initiator(job)
            if why := access.find_refusal(by, self.kind.action):
                raise UnworkableJob(Remark("initiator_refused", job.by_id, text=why.reason))
            if not job.cursor:
                try:
                    require_unchanged(job)
                except JobRefused as changed:
                    raise UnworkableJob(Remark("selection_changed")) from changed
            return self.advance(job, by, self.kind, began)

    def lock_own_job(self) -> Job | None:
        """Returns the job, locked; None if it is no longer this worker's."""
        set_local_settings(CHUNK_LIMITS)
        job = self.own_job().select_for_update(of=("self",)).first()
        if job is None:
            self.log_loss()
        return job

    def own_job(self) -> QuerySet[Job]:
        """The job's row while this claim holds."""
        return Job.objects.filter(
            pk=self.pk,
            attempt=self.attempt,
            state=State.RUNNING,
        )

    def log_loss(self) -> None:
        logger.info(
            "Job %s: attempt %s stops, since the job was ended or taken over.",
            self.pk,
            self.attempt,
        )

    def advance(self, job: Job, by: Any, kind: JobKind, began: float) -> NextStep:
        """Runs the next chunk and moves the cursor. `began`: when the transaction did."""
        window = kind.window(job, self.size)
        chunk = Chunk(job, by, window.ids)
        added = self.run_chunk(chunk, kind) if window.ids else {}
        if added is None:
            transaction.set_rollback(True)
            return NextStep.GO_ON
        done = window.until >= job.up_to
        seconds = max(time.monotonic() - began, 0.001)
        # A chunk that the window left half empty says nothing about the speed.
        if len(window.ids) * 2 > self.size:
            self.size = self.adapted_size(seconds, kind)
            job.rate = average_rate(job.rate, len(window.ids) / seconds)
        Job.objects.filter(pk=job.pk).update(
            cursor=max(window.until, job.cursor),
            crashes=0,
            heartbeat_at=Now(),
            rate=job.rate,
            size=self.size,
            **added,
        )
        if done:
            self.finish(job, kind)
        return NextStep.STOP if done else NextStep.GO_ON

    def adapted_size(self, seconds: float, kind: JobKind) -> int:
        """The size of a chunk that takes CHUNK_SECONDS, if this one took `seconds`; it at most
        halves or doubles.
        """
        factor = min(max(CHUNK_SECONDS / seconds, 0.5), 2)
        return min(max(int(self.size * factor), 1), kind.largest_size)

    def run_chunk(self, chunk: Chunk, kind: JobKind) -> dict[str, Any] | None:
        """Returns the update of the job's counts; None if the chunk failed, and smaller ones have
        to find the account that causes it.
        """
        ids = chunk.ids
        if self.failing_account and ids == [self.failing_account[0]]:
            chunk.failed(*self.failing_account)
            self.failing_account = None
            self.size = kind.first_size
            return chunk.store()
        try:
            with job_origin(chunk.job), transaction.atomic():
                kind.run(chunk)
                added = chunk.store()
        except DATABASE_ERRORS:
            raise
        except Exception as error:
            self.shrink_chunk(ids, error)
            return None
        self.failures = 0 if len(ids) > 1 else self.failures
        return added

    def shrink_chunk(self, ids: list[int], error: Exception) -> None:
        """Makes the next chunk smaller; or, if this one had a single account, marks it as failing.
        Raises UnworkableJob after too many of those.
        """
        name = type(error).__name__
        logger.info(
            "Job %s: a chunk of %s accounts starting at %s failed: %s",
            self.pk,
            len(ids),
            ids[0],
            name,
        )
        if len(ids) > 1:
            self.size = max(len(ids) // 10, 1)
            return
        text = f"{name}: {error}"
        self.failures += 1
        if self.failures > MAX_FAILED_ACCOUNTS:
            details = {"number": MAX_FAILED_ACCOUNTS}
            raise UnworkableJob(Remark("accounts_failed", details=details, text=text))
        self.size = 1
        self.failing_account = (ids[0], text)

    def finish(self, job: Job, kind: JobKind) -> None:
        """Ends the job in the transaction of its last chunk."""
        job.refresh_from_db()
        enter_state(job, State.DONE)
        kind.ended(job)
        record_job_event(job, "job.done", job_initiator(job))
        counts = {name: getattr(job, name) for name in CHUNK_OUTCOMES}
        add_line(job, Remark("done", details=counts))

    def retry_chunk(self, error: Exception) -> NextStep:
        """Waits a little, so that a smaller chunk is tried again. The error is a deadlock, a lock
        that somebody holds for long, or a server that is away.
        """
        logger.info(
            "Job %s: the database refused a chunk, which will be retried: %s",
            self.pk,
            str(error).strip(),
        )
        if not connection.in_atomic_block:
            connection.close()
        self.refusals += 1
        self.size = max(self.size // 2, 1)
        time.sleep(min(0.05 * 2**self.refusals, 2))
        return NextStep.GO_ON if self.refusals < MAX_CHUNK_TRIES else NextStep.SLICE_ENDS

    def park(self, why: Remark) -> NextStep:
        """Parks the job, if it is still this worker's."""
        try:
            with transaction.atomic():
                if (job := self.lock_own_job()) is not None:
                    park_job(job, why)
        except DATABASE_ERRORS as error:
            return self.retry_chunk(error)
        return NextStep.STOP

    def others_wait(self) -> bool:
        return runnable_jobs().exclude(pk=self.pk).exists()

    def release(self) -> None:
        """Queues the job again, behind those that wait already; sooner with a higher priority."""
        try:
            with transaction.atomic():
                if not self.requeue():
                    self.log_loss()
        except DATABASE_ERRORS as error:
            logger.warning(
                "Job %s could not be released; the sweep will find it: %s",
                self.pk,
                str(error).strip(),
            )
            connection.close()

    def requeue(self) -> bool:
        """Returns True if the job was still this worker's."""
        for priority, seconds in REQUEUE_SECONDS.items():
            own = self.own_job().filter(priority=priority)
            due = Now() + timedelta(seconds=seconds)
            if own.update(
                state=State.QUEUED,
                due_at=due,
                crashes=0,
            ):
                task_queue.enqueue_task(WORK_TASK)
                return True
        return False


def average_rate(before: float, now: float) -> float:
    """Accounts per second, as an average that forgets; `before` is 0 at first."""
    return 0.8 * before + 0.2 * now if before else now


class UnworkableJob(Exception):
    """The job can't go on as it is. `why` says it to those who may resume the job."""

    def __init__(self, why: Remark):
        super().__init__(why.code)
        self.why = why
