"""Working a job: claimed for a turn of some seconds, chunk by chunk, and given back so that others
have theirs.

Who may write is decided by two things: the lock of the job's row, which each chunk takes first, and
the attempt number, which each claim raises. A worker that was stopped and wakes up too late finds
another number, and writes nothing. A worker that holds the lock is alive, so a job is taken away
only where nobody holds it and its heartbeat is old, by the database's clock.
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
from users.jobs import engine
from users.jobs.kinds import CHUNK_OUTCOMES, KINDS, Chunk, JobKind, job_origin
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.jobs.remarks import Remark

logger = logging.getLogger(__name__)

LEASE_SECONDS = (
    10  # seconds without a heartbeat after which a job that nobody holds has lost its worker
)
MAX_CRASHES = 3  # attempts that ended without any progress before a job is parked
SLICE_SECONDS = 3  # seconds that a job is worked while others wait
LONG_SLICE_SECONDS = 10  # seconds where none does: the worker has other tasks too
CHUNK_SECONDS = 0.5  # seconds that a chunk should take
PAUSE_SECONDS = {
    "sqlite": 0.15
}  # seconds between two chunks, where whoever writes else has to wait for them
REQUEUE_SECONDS = {
    Job.Priority.HIGH: 0,
    Job.Priority.NORMAL: 15,
    Job.Priority.LOW: 60,
}  # seconds that a turn costs in the queue
MAX_CHUNK_TRIES = (
    12  # of a chunk that the database refuses for reasons that pass; together some ten seconds
)
MAX_FAILED_ACCOUNTS = (
    20  # accounts in a row that fail with an exception before it is taken for a fault of all
)
State = Job.State
DATABASE_ERRORS = (OperationalError, InterfaceError)
# Of a chunk's transaction on PostgreSQL, in milliseconds. A worker that is stopped in the middle of
# one loses its locks.
CHUNK_LIMITS = {
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "20000",
    "jit": "off",
}


class NextStep(Enum):
    GO_ON = "go on"
    TURN_ENDS = "the turn ends, and another one follows"
    STOP = "there is nothing more to do, or it is somebody else's"


def work_time_slice() -> int | None:
    """One turn of the job whose turn it is; its id, or None where there is none. Rings again while
    there is more to do.
    """
    while (job := claim_job()) is not None:
        if job.state == State.RUNNING:
            TimeSlice(job).run()
            return job.pk
    return None


def runnable_jobs() -> QuerySet[Job]:
    lost = Q(state=State.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=LEASE_SECONDS))
    return Job.objects.filter(Q(state=State.QUEUED) | lost)


def claim_job() -> Job | None:
    """The job whose turn it is, with the attempt counted; or parked, if it has had too many."""
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        job = (
            runnable_jobs()
            .select_for_update(of=("self",), skip_locked=skip)
            .order_by("due_at", "pk")
            .first()
        )
        if job is None:
            return None
        if job.state == State.RUNNING:
            engine.add_line(job, Remark("worker_lost", details={"attempt": job.attempt}))
        if job.crashes >= MAX_CRASHES:
            park_job(job, Remark("workers_died", details={"attempts": MAX_CRASHES}))
            return job
        if job.crashes:
            job.size = max(job.size // 10, 1)  # something is stored the sooner
        job.attempt += 1
        job.crashes += 1
        job.state = State.RUNNING
        job.save(update_fields=["attempt", "crashes", "state", "size"])
        Job.objects.filter(pk=job.pk).update(heartbeat_at=Now())
        Job.objects.filter(pk=job.pk, started_at=None).update(started_at=Now())
    return job


def park_job(job: Job, why: Remark) -> None:
    """Stops the job until somebody resumes it. The caller holds the lock of the job's row."""
    job.note_line = engine.add_line(job, why)
    job.crashes = 0
    engine.enter_state(job, State.PARKED)
    engine.record_job_event(job, "job.parked", engine.job_initiator(job), reason=job.note)


def enqueue_lost_work() -> int:
    """Rings for jobs that wait while no ring does: it was lost, or the worker that had taken it.
    How many rings.
    """
    waiting = min(runnable_jobs().count(), 4)
    if not waiting or task_queue.oldest_wait(task_queue.MAIN) is not None:
        return 0
    for _ in range(waiting):
        task_queue.enqueue_task(engine.WORK_TASK)
    return waiting


class TimeSlice:
    """One claim of a job, by this process."""

    def __init__(self, job: Job):
        self.pk = job.pk
        self.attempt = job.attempt
        self.kind: JobKind | None = KINDS.get(job.kind)
        self.size = job.size or (self.kind.first_size if self.kind else 1)
        self.troubles = self.failures = 0
        self.culprit: tuple[int, str] | None = (
            None  # an account, and the exception that it leads to all alone
        )
        self.pause = PAUSE_SECONDS.get(connection.vendor, 0)

    def run(self) -> None:
        began = time.monotonic()
        then = NextStep.GO_ON
        while then == NextStep.GO_ON:
            then = self.step()
            seconds = time.monotonic() - began
            if (
                then == NextStep.GO_ON
                and seconds > SLICE_SECONDS
                and (seconds > LONG_SLICE_SECONDS or self.others_wait())
            ):
                then = NextStep.TURN_ENDS
        if then == NextStep.TURN_ENDS:
            self.give_back()

    def step(self) -> NextStep:
        """A chunk, and whatever may go wrong with one."""
        try:
            then = self.chunk()
            time.sleep(self.pause)
        except DATABASE_ERRORS as error:
            return self.trouble(error)
        except UnworkableJob as error:
            return self.stop(error.why)
        except Exception as error:
            logger.error(
                "Job %s: a chunk failed: %s", self.pk, type(error).__name__
            )  # the rest stands in the job's note
            return self.stop(Remark("chunk_failed", text=f"{type(error).__name__}: {error}"))
        self.troubles = 0
        return then

    def chunk(self) -> NextStep:
        """One transaction, from the job's lock to its new cursor."""
        began = time.monotonic()
        with transaction.atomic():
            job = self.hold()
            if job is None:
                return NextStep.STOP
            if self.kind is None:
                raise UnworkableJob(Remark("kind_unknown", details={"kind": job.kind}))
            by = engine.job_initiator(job)
            if why := access.find_refusal(by, self.kind.action):
                raise UnworkableJob(Remark("initiator_refused", job.by_id, text=why.reason))
            if not job.cursor:
                try:
                    engine.require_unchanged(job)
                except engine.JobRefused as changed:
                    raise UnworkableJob(Remark("selection_changed")) from changed
            return self.advance(job, by, self.kind, began)

    def hold(self) -> Job | None:
        """The job's row, locked; None if this turn is over."""
        engine.set_limits(CHUNK_LIMITS)
        mine = Job.objects.filter(pk=self.pk, attempt=self.attempt, state=State.RUNNING)
        job = mine.select_for_update(of=("self",)).first()
        if job is None:
            self.let_go()
        return job

    def let_go(self) -> None:
        logger.info(
            "Job %s: attempt %s stops, since the job was ended or taken over.",
            self.pk,
            self.attempt,
        )

    def advance(self, job: Job, by: Any, kind: JobKind, began: float) -> NextStep:
        window = kind.window(job, self.size)
        chunk = Chunk(job, by, window.ids)
        added = self.handled(chunk, kind) if window.ids else {}
        if added is None:
            transaction.set_rollback(True)
            return NextStep.GO_ON
        done = window.until >= job.up_to
        seconds = max(time.monotonic() - began, 0.001)
        if len(window.ids) * 2 > self.size:
            self.size = min(
                max(int(self.size * min(max(CHUNK_SECONDS / seconds, 0.5), 2)), 1),
                kind.largest_size,
            )
            job.rate = (
                0.8 * job.rate + 0.2 * len(window.ids) / seconds
                if job.rate
                else len(window.ids) / seconds
            )
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

    def handled(self, chunk: Chunk, kind: JobKind) -> dict[str, Any] | None:
        """What the chunk adds to the job's row; None if it failed, and smaller ones have to find
        out with which account.
        """
        ids = chunk.ids
        if self.culprit and ids == [self.culprit[0]]:
            chunk.failed(*self.culprit)
            self.culprit = None
            self.size = kind.first_size
            return chunk.store()
        try:
            with job_origin(chunk.job), transaction.atomic():
                kind.run(chunk)
                added = chunk.store()
        except DATABASE_ERRORS:
            raise
        except Exception as error:
            self.narrow(ids, error)
            return None
        self.failures = 0 if len(ids) > 1 else self.failures
        return added

    def narrow(self, ids: list[int], error: Exception) -> None:
        what = f"{type(error).__name__}: {error}"
        logger.info(
            "Job %s: a chunk of %s accounts starting at %s failed: %s",
            self.pk,
            len(ids),
            ids[0],
            type(error).__name__,
        )
        if len(ids) > 1:
            self.size = max(len(ids) // 10, 1)
            return
        self.failures += 1
        if self.failures > MAX_FAILED_ACCOUNTS:
            details = {"number": MAX_FAILED_ACCOUNTS}
            raise UnworkableJob(Remark("accounts_failed", details=details, text=what))
        self.size = 1
        self.culprit = (ids[0], what)

    def finish(self, job: Job, kind: JobKind) -> None:
        job.refresh_from_db()
        engine.enter_state(job, State.DONE)
        kind.ended(job)
        engine.record_job_event(job, "job.done", engine.job_initiator(job))
        counts = {name: getattr(job, name) for name in CHUNK_OUTCOMES}
        engine.add_line(job, Remark("done", details=counts))

    def trouble(self, error: Exception) -> NextStep:
        """A deadlock, a lock that somebody holds for long, a server that is gone: the same chunk
        once more, a little later.
        """
        logger.info(
            "Job %s: the database refused a chunk, which will be retried: %s",
            self.pk,
            str(error).strip(),
        )
        if not connection.in_atomic_block:
            connection.close()
        self.troubles += 1
        self.size = max(self.size // 2, 1)
        time.sleep(min(0.05 * 2**self.troubles, 2))
        return NextStep.GO_ON if self.troubles < MAX_CHUNK_TRIES else NextStep.TURN_ENDS

    def stop(self, why: Remark) -> NextStep:
        """Parks the job, if it is still this turn's."""
        try:
            with transaction.atomic():
                if (job := self.hold()) is not None:
                    park_job(job, why)
        except DATABASE_ERRORS as error:
            return self.trouble(error)
        return NextStep.STOP

    def others_wait(self) -> bool:
        return runnable_jobs().exclude(pk=self.pk).exists()

    def give_back(self) -> None:
        """To the queue, behind those that wait already; those of a higher priority come again
        sooner.
        """
        try:
            with transaction.atomic():
                mine = Job.objects.filter(pk=self.pk, attempt=self.attempt, state=State.RUNNING)
                for priority, seconds in REQUEUE_SECONDS.items():
                    due = Now() + timedelta(seconds=seconds)
                    if mine.filter(priority=priority).update(
                        state=State.QUEUED, due_at=due, crashes=0
                    ):
                        task_queue.enqueue_task(engine.WORK_TASK)
                        return
            self.let_go()
        except DATABASE_ERRORS as error:
            logger.warning(
                "Job %s could not be released; the sweep will find it: %s",
                self.pk,
                str(error).strip(),
            )
            connection.close()


class UnworkableJob(Exception):
    """The job can't go on as it is. `why` says it to those who may resume the job."""

    def __init__(self, why: Remark):
        super().__init__(why.code)
        self.why = why
