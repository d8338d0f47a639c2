"""Starts, pauses, resumes, cancels and retries jobs: work over many accounts that survives
the death of a worker.

**A kind of job** is a subclass of users.jobs.kinds.JobKind, registered once by `register_kind` from
a module that users.apps imports. Most are subclasses of users.bulk.selection_kind.SelectionKind,
which finds the accounts by a Selection.

**Starting one**: `start_job("suspend", by=…, selection=selection.query, words=selection.words,
up_to=…, reason=…)`. It belongs to the caller's transaction: if that is rolled back, there is no
job. With a `key`, a repeated call returns the same job. users.jobs.approval decides whether a
second person has to approve the job.

**A chunk** is one transaction: `kind.run(chunk)` gets `chunk.ids` (ascending), `chunk.by` (the
initiator with their current permissions) and `chunk.job` (parameters and reason; not to be saved).
The worker has checked `kind.action`; the kind checks access.find_refusal(chunk.by, action, account)
for each account. It locks the accounts (`chunk.lock()`, or SELECT … ORDER BY id FOR UPDATE),
changes them, writes events, messages and items, and counts each id exactly once:

- `chunk.changed(account, before)` adds a JobItem with the before-image and the new version;
- `chunk.skipped(id, reason)` and `chunk.failed(id, reason)` add one with the reason; a reason that
  names someone is a users.jobs.remarks.Remark, which holds their ID;
- `chunk.unchanged(n)` only counts;
- `chunk.count_written(changed=n, …)` counts items that the kind has written by
  INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version) SELECT ….

Events inside a chunk have the job's id and ticket, and the origin of the request that started it:
record_event and build_event read users.audit.origin.current_origin, and a kind that writes events
by SQL must read it too. The worker raises MiscountedChunk unless each id was counted, adds up the
counts and moves the cursor. An exception in `run` rolls the chunk back. After a deadlock or a lost
connection the chunk is retried; after any other exception it is repeated in smaller and smaller
chunks, until only the account that causes the exception is left, which counts as failed.
users.jobs.worker decides which process works on a job and for how long, and takes over the jobs of
a process that died.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.http import Http404

from users import access
from users.audit.origin import Origin, current_origin
from users.database.clock import current_time
from users.exceptions import JobRefused
from users.jobs.approval import freeze_selection, needs_approval
from users.jobs.kinds import KINDS
from users.jobs.models import ENDED_STATES, OPEN_STATES, Job, JobItem
from users.jobs.remarks import REVOCATION_NOTE, Remark, remark_by
from users.jobs.retention import has_expired_results
from users.jobs.transitions import (
    add_line,
    enqueue_work,
    enter_state,
    has_revoked_token,
    lock_job,
    record_job_event,
    refuse_unless,
)
from users.models import User
from users.permissions import restriction_of

JOBS_PER_PERSON = 10  # unfinished jobs
State = Job.State


def start_job(
    kind: str,
    *,
    by: Any,
    selection: str = "",
    words: str = "",
    up_to: int,
    as_of: datetime | None = None,
    expected: int | None = None,
    planned: int | None = None,
    reason: str = "",
    ticket: str = "",
    parameters: dict[str, Any] | None = None,
    parent: Job | None = None,
    key: str = "",
) -> Job:
    """Creates a job, queued or waiting for approval, and returns it; or returns the job that was
    started with the same `key`. Raises access.Denied or JobRefused. All jobs are created here.

    `selection`, `words`: the frozen selection as a query string and in words. `up_to`: its highest
    account ID. `planned`: how many accounts are to change. `ticket`: by default the request's.
    `parameters`: further input of the kind, as JSON, without secrets.
    """
    access.require(by, KINDS[kind].action)
    with transaction.atomic():
        if existing := lock_and_find_job(by, key):
            return existing
        refuse_too_many(by)
        job = Job(
            kind=kind,
            **initiator_columns(by),
            reason=reason,
            ticket=ticket or current_origin.get().ticket,
            origin=origin_fields(),
            session_id=current_origin.get().session_id,
            selection=selection,
            words=words,
            parameters=parameters or {},
            up_to=up_to,
            as_of=as_of or current_time(),
            expected=expected,
            planned=planned,
            parent=parent,
            priority=KINDS[kind].priority,
            key=key,
        )
        store_job(job, by)
    return job


def initiator_columns(by: Any) -> dict[str, Any]:
    """Returns the columns of the initiator, with the token that was used and its permissions."""
    return {
        "by_id": by.pk,
        "by_text": str(by)[:255],
        "permissions": restriction_of(by),
        "token_id": getattr(by, "token_id", None),
    }


def lock_and_find_job(by: Any, key: str) -> Job | None:
    """Locks the person's account, so that their requests wait for each other. Returns the job with
    this key; None if there is none.
    """
    if not by.pk:
        return None
    User.objects.select_for_update(of=("self",)).get(pk=by.pk)
    return Job.objects.filter(by=by.pk, key=key).first() if key else None


def store_job(job: Job, by: Any) -> None:
    """Inserts a new job with its event and the first line of its log, and queues a task for it."""
    if needs_approval(job):
        freeze_selection(job)
        job.state = State.WAITING
        action = "job.approval_asked"
        remark = Remark("approval_asked")
    else:
        job.state = State.QUEUED
        action = "job.started"
        remark = Remark("queued")
    job.due_at = Now()
    job.save(force_insert=True)
    job.refresh_from_db()
    KINDS[job.kind].started(job)
    record_job_event(job, action, by, reason=job.reason)
    add_line(job, remark)
    enqueue_work(job)


def pause_job(job: Job, *, by: Any) -> Job:
    """Pauses the job after the current chunk. It keeps its cursor."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        refuse_unless(job, *OPEN_STATES, to="be paused")
        enter_state(job, State.PAUSED)
        record_job_event(job, "job.paused", by)
        add_line(job, remark_by(by, "paused"))
    return job


def resume_job(job: Job, *, by: Any) -> Job:
    """Queues a paused or parked job again. It continues at its cursor. Raises JobRefused."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        refuse_unless(job, State.PAUSED, State.PARKED, to="be resumed")
        if has_revoked_token(job):
            raise JobRefused(REVOCATION_NOTE)
        job.crashes = 0
        job.note_line = None
        enter_state(job, State.QUEUED)
        record_job_event(job, "job.resumed", by)
        add_line(job, remark_by(by, "resumed"))
    return job


def cancel_job(job: Job, *, by: Any) -> Job:
    """Ends the job after the current chunk. Changes already made are kept."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        if job.has_ended:
            raise JobRefused(f"This job is already {job.get_state_display().lower()}.")
        enter_state(job, State.CANCELLED)
        record_job_event(job, "job.cancelled", by)
        add_line(job, remark_by(by, "cancelled"))
    return job


def retry_failed(job: Job, *, by: Any, key: str = "") -> Job:
    """Starts a new job of the same kind over the accounts that failed."""
    if not job.has_ended:
        raise JobRefused("Only a finished job can be retried.")
    if not job.failed:
        raise JobRefused("This job has no failed accounts.")
    if has_expired_results(job):
        raise JobRefused(
            "The results of this job have been deleted, so failed accounts can’t be retried."
        )
    return start_job(
        job.kind,
        by=by,
        selection=f"job={job.pk}&outcome={JobItem.Outcome.FAILED}",
        words=f"accounts that failed in job {job.pk}",
        up_to=job.up_to,
        expected=job.failed,
        reason=job.reason,
        ticket=job.ticket,
        parameters=job.parameters,
        parent=job,
        key=key,
    )


def get_visible_job(viewer: Any, pk: int) -> Job:
    """Returns the job. Raises Http404, or access.Denied if the viewer may not see it; whoever may
    see only some jobs learns of no other whether it exists.
    """
    access.require(viewer, "view")
    related = ("by", "parent", "note_line__actor")
    jobs = Job.objects.select_related(*related)
    job = jobs.filter(pk=pk).first()
    if job is None or not may_see_job(viewer, job):
        access.require(viewer, "view_jobs")
    if job is None:
        raise Http404
    return job


def may_see_job(by: Any, job: Job) -> bool:
    """Returns True for the initiator and for those who may see all jobs or approve this one."""
    if job.state == State.WAITING and access.may(by, "approve_bulk"):
        return True
    return access.may(by, "view_jobs") or (access.may_enter(by) and by.pk == job.by_id)


def may_resume_job(job: Job) -> bool:
    """Returns whether the job is paused or parked, and no revoked token started it."""
    return job.state in (State.PAUSED, State.PARKED) and not has_revoked_token(job)


def may_control_job(by: Any, job: Job) -> bool:
    """Returns True for the initiator and for those who may control all jobs."""
    return access.may(by, "control_jobs") or (access.may_enter(by) and by.pk == job.by_id)


def lock_for_control(job: Job, by: Any) -> Job:
    """Locks and returns the job. Raises access.Denied unless `by` may control it."""
    job = lock_job(job)
    if not may_control_job(by, job):
        access.require(by, "control_jobs")
    return job


def refuse_too_many(by: Any) -> None:
    """Raises JobRefused if the person has too many unfinished jobs. Commands have no limit."""
    if not by.pk:
        return
    unfinished = Job.objects.filter(by=by.pk).exclude(state__in=ENDED_STATES).count()
    if unfinished >= JOBS_PER_PERSON:
        raise JobRefused(
            f"You have {JOBS_PER_PERSON} unfinished jobs. Wait until one finishes, or cancel one."
        )


def origin_fields() -> dict[str, Any]:
    """Returns the origin of the current request for Job.origin."""
    origin: Origin = current_origin.get()
    return {"ip": origin.ip, "user_agent": origin.user_agent, "request_id": origin.request_id}
