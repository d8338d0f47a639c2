"""Works on jobs: claims one for a time slice of a few seconds, works on it chunk by chunk, and
releases it so that other jobs get a time slice too.

Two things decide which worker may write: the lock of the job's row, which each chunk takes first,
and the attempt number, which each claim increments. A worker that was suspended for too long finds
another number and writes nothing. A worker that holds the lock is alive, so a job may be claimed
from it only if the lock is free and the heartbeat is older than the lease, by the database's clock.
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
from users.database.failures import is_disk_full
from users.database.local_settings import set_local_settings
from users.exceptions import JobRefused
from users.jobs.approval import require_unchanged
from users.jobs.kinds import CHUNK_OUTCOMES, KINDS, Chunk, JobKind, job_origin
from users.jobs.models import Job
from users.jobs.queue import observation, task_queue
from users.jobs.remarks import Remark, UnworkableJob, failure_remark
from users.jobs.transitions import (
    WORK_TASK,
    add_line,
    enter_state,
    has_revoked_token,
    job_initiator,
    record_job_event,
)

logger = logging.getLogger(__name__)

# After this time without a heartbeat, a job whose lock is free has lost its worker.
LEASE_SECONDS = 10
# Attempts without any progress after which the job is parked.
MAX_CRASHES = 3
# The length of a time slice while other jobs wait.
SLICE_SECONDS = 3
# The length of a time slice while no other job waits: the worker has other tasks too.
LONG_SLICE_SECONDS = 10
# The time that a chunk should take; the size of the next one is adapted to it.
CHUNK_SECONDS = 0.5
# The pause between two chunks, for databases with a single writer.
PAUSE_SECONDS = {"sqlite": 0.15}
# How long a job waits for its next time slice after one has ended, so that other jobs get theirs.
REQUEUE_SECONDS = {
    Job.Priority.HIGH: 0,
    Job.Priority.NORMAL: 15,
    Job.Priority.LOW: 60,
}
# Attempts at a chunk that fails because of a temporary database error. All of them together take
# about 10 s.
MAX_CHUNK_TRIES = 12
# After this many failed accounts in a row the job is parked, because the cause is elsewhere.
MAX_FAILED_ACCOUNTS = 20
# The largest number of tasks that one sweep queues.
MAX_LOST_TASKS = 4
State = Job.State
DATABASE_ERRORS = (OperationalError, InterfaceError)
# PostgreSQL settings of a chunk's transaction; times in milliseconds. A worker that is suspended
# in a transaction loses its locks.
CHUNK_LIMITS = {
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "20000",
    "jit": "off",
}


class NextStep(Enum):
    """The next step of a time slice after a chunk."""

    CONTINUE = "work on the next chunk"
    END_SLICE = "end the time slice, and queue the job for another one"
    STOP = "stop, because the job has ended, is parked, or belongs to another worker"


def work_time_slice() -> int | None:
    """Works for one time slice on the job that is due first and returns its id; None if no job
    waits. Queues another task if the job is not finished.
    """
    while (job := claim_job()) is not None:
        if job.state == State.RUNNING:
            TimeSlice(job).run()
            return job.pk
    return None


def runnable_jobs() -> QuerySet[Job]:
    """Returns the jobs that wait for a worker or have lost their worker.

    Kinds that this release does not know are left to workers of the release that is being deployed.
    """
    lost = Q(state=State.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=LEASE_SECONDS))
    return Job.objects.filter(Q(state=State.QUEUED) | lost, kind__in=list(KINDS))


def claim_job() -> Job | None:
    """Claims the job that is due first, or parks it if too many of its workers have died. Returns
    the job; None if no job waits.
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
    """Stores the claim. It counts as a crash until the first chunk is stored."""
    if job.crashes:
        # A smaller chunk is more likely to be stored before another crash.
        job.size = max(job.size // 10, 1)
    job.attempt += 1
    job.crashes += 1
    job.state = State.RUNNING
    job.save(update_fields=["attempt", "crashes", "state", "size"])
    Job.objects.filter(pk=job.pk).update(heartbeat_at=Now())
    Job.objects.filter(pk=job.pk, started_at=None).update(started_at=Now())


def park_job(job: Job, remark: Remark) -> None:
    """Stops the job until someone resumes it. The caller holds the lock of the job's row."""
    job.note_line = add_line(job, remark)
    job.crashes = 0
    enter_state(job, State.PARKED)
    record_job_event(job, "job.parked", job_initiator(job), reason=job.note)


def enqueue_lost_work() -> int:
    """Queues tasks if jobs wait but no task does, because it was lost or its worker has died.
    Returns the number of queued tasks.
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
        self.kind: JobKind = KINDS[job.kind]
        self.size = job.size or self.kind.first_chunk_size
        self.pause = PAUSE_SECONDS.get(connection.vendor, 0)
        # Consecutive chunks that the database refused, and consecutive accounts that failed.
        self.refusals = 0
        self.failures = 0
        # The id of an account that failed in a chunk of its own, and the error.
        self.failing_account: tuple[int, str] | None = None

    def run(self) -> None:
        """Works on chunks until the job stops or the time is over."""
        started = time.monotonic()
        next_step = NextStep.CONTINUE
        while next_step == NextStep.CONTINUE:
            next_step = self.step()
            if next_step == NextStep.CONTINUE and self.is_over(time.monotonic() - started):
                next_step = NextStep.END_SLICE
        if next_step == NextStep.END_SLICE:
            self.release()
        observation.log_time_slice(self.pk, self.kind.name, next_step.name)

    def is_over(self, seconds: float) -> bool:
        """Returns whether the time slice ends after `seconds`."""
        if seconds <= SLICE_SECONDS:
            return False
        return seconds > LONG_SLICE_SECONDS or self.other_jobs_wait()

    def step(self) -> NextStep:
        """Works on one chunk and handles all errors."""
        try:
            next_step = self.work_chunk()
            time.sleep(self.pause)
        except DATABASE_ERRORS as error:
            if is_disk_full(error):
                return self.park(Remark("disk_full"))
            return self.retry_chunk(error)
        except UnworkableJob as error:
            return self.park(error.remark)
        except Exception as error:
            # The message may contain personal data, so only the job's note has it.
            logger.error("Job %s: a chunk failed: %s", self.pk, type(error).__name__)
            return self.park(failure_remark(error))
        self.refusals = 0
        return next_step

    def work_chunk(self) -> NextStep:
        """Works on one chunk in one transaction. Raises UnworkableJob."""
        started = time.monotonic()
        with transaction.atomic():
            job = self.lock_own_job()
            if job is None:
                return NextStep.STOP
            initiator = job_initiator(job)
            if refusal := access.find_refusal(initiator, self.kind.action):
                raise UnworkableJob(Remark("initiator_refused", job.by_id, text=refusal.reason))
            if has_revoked_token(job):
                raise UnworkableJob(Remark("token_revoked"))
            if not job.cursor:
                try:
                    require_unchanged(job)
                except JobRefused as changed:
                    raise UnworkableJob(Remark("selection_changed")) from changed
            return self.advance(job, initiator, started)

    def lock_own_job(self) -> Job | None:
        """Locks and returns the job; None if this worker has lost it."""
        set_local_settings(CHUNK_LIMITS)
        job = self.own_job().select_for_update(of=("self",)).first()
        if job is None:
            self.log_loss()
        return job

    def own_job(self) -> QuerySet[Job]:
        """Returns the job's row as long as this worker has the job."""
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

    def advance(self, job: Job, initiator: Any, started: float) -> NextStep:
        """Runs the next chunk and moves the cursor. `started`: the start of the transaction."""
        window = self.kind.window(job, self.size)
        chunk = Chunk(job, initiator, window.ids)
        added = self.run_chunk(chunk) if window.ids else {}
        if added is None:
            transaction.set_rollback(True)
            return NextStep.CONTINUE
        seconds = max(time.monotonic() - started, 0.001)
        # A chunk with few accounts says little about the speed.
        if len(window.ids) * 2 > self.size:
            self.size = self.adapted_size(seconds)
            job.rate = average_rate(job.rate, len(window.ids) / seconds)
        Job.objects.filter(pk=job.pk).update(
            cursor=max(window.until, job.cursor),
            crashes=0,
            heartbeat_at=Now(),
            rate=job.rate,
            size=self.size,
            **added,
        )
        if window.until < job.up_to:
            return NextStep.CONTINUE
        self.finish(job)
        return NextStep.STOP

    def adapted_size(self, seconds: float) -> int:
        """Returns the size of the next chunk so that it takes CHUNK_SECONDS, if this one took
        `seconds`: at least half and at most twice the size of this one.
        """
        factor = min(max(CHUNK_SECONDS / seconds, 0.5), 2)
        return min(max(int(self.size * factor), 1), self.kind.max_chunk_size)

    def run_chunk(self, chunk: Chunk) -> dict[str, Any] | None:
        """Returns the update of the job's counts; None if the chunk failed. It is then repeated in
        smaller chunks, until only the account that causes the error is left.
        """
        ids = chunk.ids
        if self.failing_account and ids == [self.failing_account[0]]:
            self.kind.fail(chunk, *self.failing_account)
            self.failing_account = None
            self.size = self.kind.first_chunk_size
            return chunk.store()
        try:
            with job_origin(chunk.job), transaction.atomic():
                self.kind.run(chunk)
                added = chunk.store()
        except DATABASE_ERRORS:
            raise
        except Exception as error:
            self.shrink_chunk(ids, error)
            return None
        if len(ids) > 1:
            self.failures = 0
        return added

    def shrink_chunk(self, ids: list[int], error: Exception) -> None:
        """Makes the next chunk smaller, or marks the account as failing if it was the only one.
        Raises UnworkableJob after too many failing accounts.
        """
        if is_disk_full(error):
            raise UnworkableJob(Remark("disk_full")) from error
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

    def finish(self, job: Job) -> None:
        """Ends the job in the transaction of its last chunk."""
        job.refresh_from_db()
        enter_state(job, State.DONE)
        self.kind.ended(job)
        record_job_event(job, "job.done", job_initiator(job))
        counts = {name: getattr(job, name) for name in CHUNK_OUTCOMES}
        add_line(job, Remark(self.kind.finished_code, details=counts))

    def retry_chunk(self, error: Exception) -> NextStep:
        """Waits before the next try, which has a smaller chunk. The error is a deadlock, a lock
        timeout, or a server that does not answer.
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
        return NextStep.CONTINUE if self.refusals < MAX_CHUNK_TRIES else NextStep.END_SLICE

    def park(self, remark: Remark) -> NextStep:
        """Parks the job unless this worker has lost it."""
        try:
            with transaction.atomic():
                if (job := self.lock_own_job()) is not None:
                    park_job(job, remark)
        except DATABASE_ERRORS as error:
            return self.retry_chunk(error)
        return NextStep.STOP

    def other_jobs_wait(self) -> bool:
        return runnable_jobs().exclude(pk=self.pk).exists()

    def release(self) -> None:
        """Queues the job again behind those that wait; a higher priority makes it due earlier."""
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
        """Queues the job again. Returns False if this worker has lost it."""
        for priority, seconds in REQUEUE_SECONDS.items():
            own = self.own_job().filter(priority=priority)
            due = Now() + timedelta(seconds=seconds)
            if own.update(state=State.QUEUED, due_at=due, crashes=0):
                task_queue.enqueue_task(WORK_TASK)
                return True
        return False


def average_rate(before: float, now: float) -> float:
    """Returns a moving average of accounts per second. `before` is 0 for the first value."""
    return 0.8 * before + 0.2 * now if before else now
