"""Jobs: started, paused, resumed, cancelled. Work over many accounts that survives whatever happens
to the workers.

**A kind of job** is a subclass of users.jobs.kinds.JobKind, registered once (`register(Suspend())`) from a module that
users.apps imports. Most are subclasses of users.bulk.selection_kind.SelectionKind, which finds the accounts by a Selection.

**Starting one**: `engine.start("suspend", by=…, selection=selection.query, words=selection.words, up_to=…, reason=…, …)`.
It belongs to the caller's transaction: rolled back, there is no job. `key` makes it safe to ask twice. Whether a second person
has to agree first is decided here and nowhere else (`approval_needed`, by the kind's `four_eyes`).

**A chunk** is one transaction: `kind.run(chunk)` gets `chunk.ids` (ascending), `chunk.by` (the initiator with the rights of
now; `kind.action` has been asked, `access.refusal(chunk.by, action, account)` for each account is the handler's) and
`chunk.job` (parameters, reason; not to be saved). It locks the accounts (`chunk.lock()`, or SELECT … ORDER BY id FOR UPDATE),
changes them, writes events, messages and items, and accounts for each id exactly once:

- `chunk.changed(account, before)` writes a JobItem with the before-image and the version after the change;
- `chunk.skipped(id, reason)`, `chunk.failed(id, reason)` write one with the reason; a reason that
  names somebody is a users.jobs.remarks.Remark, which holds their ID;
- `chunk.unchanged(n)` only counts;
- `chunk.wrote(changed=n, …)` counts items that the handler has written itself, set-based:
  INSERT INTO users_jobitem (job_id, account_id, outcome, reason, before, version) SELECT ….

Events inside a chunk carry the job's id and the origin of the request that started it: `record` and
`event_for` do so by themselves; SQL takes them from users.audit.origin.current_origin. The engine
adds up the counts, moves the cursor and raises `Miscounted` unless each id was accounted for.
Whatever `run` raises rolls the chunk back: a deadlock or a lost connection is tried again, and any
other exception leads to smaller and smaller chunks until the account that it comes from is alone,
and has failed with it. A process that dies is noticed by users.jobs.worker, which also says who may
work a job and for how long.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from users import access
from users.audit.origin import Origin, current_origin
from users.audit.record import record_event
from users.jobs.kinds import KINDS, JobKind
from users.jobs.models import ENDED_STATES, OPEN_STATES, Job, JobItem, JobLine
from users.jobs.queue import task_queue
from users.jobs.remarks import SELECTION_CHANGED, Remark, remark_by
from users.models import User

JOBS_PER_PERSON = 10  # jobs of one person that have not ended
WORK_TASK = "users.jobs.tasks.work_on_jobs"
OWN_JOB = "You can’t approve your own job. Ask a colleague."
State = Job.State


class JobRefused(Exception):
    """The job's state, or the number of jobs, does not allow it. The message is a sentence."""


def start_job(
    kind: str,
    *,
    by: Any,
    selection: str = "",
    words: str = "",
    up_to: int,
    as_of: datetime | None = None,
    expected: int | None = None,
    reason: str = "",
    parameters: dict[str, Any] | None = None,
    parent: Job | None = None,
    key: str = "",
) -> Job:
    """The one way to a job. Raises access.Denied or Refused; asked again with the same `key`, it is
    the same job.

    `selection` and `words`: the frozen selection as a query string and as people read it; `up_to`:
    the highest id in it. `parameters`: what the kind needs to know, as JSON, without secrets.
    """
    access.require(by, KINDS[kind].action)
    with transaction.atomic():
        if by.pk:
            User.objects.select_for_update(of=("self",)).get(
                pk=by.pk
            )  # two clicks of one person queue here
        if key and by.pk and (job := Job.objects.filter(by=by.pk, key=key).first()):
            return job
        refuse_too_many(by)
        job = Job(
            kind=kind,
            by_id=by.pk,
            by_text=str(by)[:255],
            reason=reason,
            origin=origin_fields(),
            selection=selection,
            words=words,
            parameters=parameters or {},
            up_to=up_to,
            as_of=as_of or timezone.now(),
            expected=expected,
            parent=parent,
            priority=KINDS[kind].priority,
            key=key,
        )
        waits = needs_approval(job)
        if waits:
            freeze_selection(job)
        job.state = State.WAITING if waits else State.QUEUED
        job.due_at = Now()
        job.save(force_insert=True)
        job.refresh_from_db()
        KINDS[kind].started(job)
        if waits:
            record_job_event(job, "job.approval_asked", by, reason=reason)
            add_line(job, Remark("approval_asked"))
        else:
            record_job_event(job, "job.started", by, reason=reason)
            add_line(job, Remark("queued"))
        enqueue_work(job)
    return job


def needs_approval(job: Job) -> bool:
    """Whether somebody else has to agree first. `job` is not stored yet. What the caller expects is
    not believed.
    """
    kind = KINDS[job.kind]
    lately = KINDS[job.kind].lately(job)
    most = approval_threshold(kind) - lately
    if kind.four_eyes != "above" or (job.expected or 0) > most:
        return needs_second_person(kind, (job.expected or 0) + lately)
    if 0 < job.up_to <= most:  # ids begin at 1: nothing to count
        return False
    try:
        with transaction.atomic():
            return kind.count(job, most + 1) > most
    except OperationalError:  # too many to count in time
        return True


def needs_second_person(kind: JobKind, number: int) -> bool:
    """What is asked of somebody who does this to so many accounts."""
    return kind.four_eyes == "always" or (
        kind.four_eyes == "above" and number > approval_threshold(kind)
    )


def approval_threshold(kind: JobKind) -> int:
    return int(settings.BULK_APPROVAL_ABOVE_FOR.get(kind.name, settings.BULK_APPROVAL_ABOVE))


def freeze_selection(job: Job) -> None:
    """What approval is about: the accounts that are selected now. Raises Refused."""
    try:
        with transaction.atomic():
            set_limits({"statement_timeout": "20000", "enable_seqscan": "on"})
            job.expected, job.frozen = KINDS[job.kind].fingerprint(job)
    except OperationalError as error:
        raise JobRefused("Finding these accounts takes too long. Select fewer accounts.") from error


def approve_job(job: Job, *, by: Any) -> Job:
    """A job that waited for approval is queued; or, where its accounts are no longer those that
    were selected, cancelled.

    Raises access.Denied or Refused.
    """
    with transaction.atomic():
        job = lock_for_decision(job, by, "be approved")
        now = Job(
            kind=job.kind, by=job.by, selection=job.selection, up_to=job.up_to, as_of=job.as_of
        )
        freeze_selection(now)
        if now.frozen != job.frozen:
            details = {"then": job.expected, "now": now.expected}
            job.note_line = add_line(job, Remark("selection_differs", details=details))
            enter_state(job, State.CANCELLED)
            record_job_event(job, "job.cancelled", by)
        else:
            enter_state(job, State.QUEUED)
            record_job_event(job, "job.approved", by)
            add_line(job, remark_by(by, "approved"))
    return job


def decline_job(job: Job, *, by: Any, reason: str = "") -> Job:
    """A job that waited for approval ends. Raises access.Denied or Refused."""
    with transaction.atomic():
        job = lock_for_decision(job, by, "be declined")
        job.note_line = add_line(job, remark_by(by, "declined", reason))
        enter_state(job, State.CANCELLED)
        record_job_event(job, "job.declined", by, reason=reason)
    return job


def lock_for_decision(job: Job, by: Any, to: str) -> Job:
    """The job, locked, for somebody who decides about it: never whoever started it."""
    access.require(by, "approve_bulk")
    job = lock_job(job)
    if by.pk is not None and by.pk == job.by_id:
        raise access.Denied("approve_bulk", OWN_JOB)
    refuse_unless(job, State.WAITING, to=to)
    return job


def require_unchanged(job: Job) -> None:
    """Before its first account: nothing, or Refused where a job was approved for other accounts
    than it would change now.
    """
    if job.frozen and KINDS[job.kind].fingerprint(job)[1] != job.frozen:
        raise JobRefused(SELECTION_CHANGED)


def pause_job(job: Job, *, by: Any) -> Job:
    """It stops after the chunk that runs, and keeps its place."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        refuse_unless(job, *OPEN_STATES, to="be paused")
        enter_state(job, State.PAUSED)
        record_job_event(job, "job.paused", by)
        add_line(job, remark_by(by, "paused"))
    return job


def resume_job(job: Job, *, by: Any) -> Job:
    """Goes on where it stopped, also if it was parked."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        refuse_unless(job, State.PAUSED, State.PARKED, to="be resumed")
        job.crashes = 0
        job.note_line = None
        enter_state(job, State.QUEUED)
        record_job_event(job, "job.resumed", by)
        add_line(job, remark_by(by, "resumed"))
    return job


def cancel_job(job: Job, *, by: Any) -> Job:
    """It ends after the chunk that runs. What it has done stays done."""
    with transaction.atomic():
        job = lock_for_control(job, by)
        if job.state in ENDED_STATES:
            raise JobRefused(f"This job is already {job.get_state_display().lower()}.")
        enter_state(job, State.CANCELLED)
        record_job_event(job, "job.cancelled", by)
        add_line(job, remark_by(by, "cancelled"))
    return job


def retry_failed(job: Job, *, by: Any, key: str = "") -> Job:
    """A new job of the same kind over the accounts that failed."""
    if not job.has_ended:
        raise JobRefused("Only a finished job can be retried.")
    if not job.failed:
        raise JobRefused("This job has no failed accounts.")
    return start_job(
        job.kind,
        by=by,
        selection=f"job={job.pk}&outcome={JobItem.Outcome.FAILED}",
        words=f"accounts that failed in job {job.pk}",
        up_to=job.up_to,
        expected=job.failed,
        reason=job.reason,
        parameters=job.parameters,
        parent=job,
        key=key,
    )


# --- what these are made of -----------------------------------------------------------------------


def may_see_job(by: Any, job: Job) -> bool:
    if job.state == State.WAITING and access.may(by, "approve_bulk"):
        return True
    return access.may(by, "view_jobs") or (access.may_enter(by) and by.pk == job.by_id)


def may_control_job(by: Any, job: Job) -> bool:
    """Whoever started it, and who may control everybody's."""
    return access.may(by, "control_jobs") or (access.may_enter(by) and by.pk == job.by_id)


def job_initiator(job: Job) -> Any:
    """Who started it, with the rights of now."""
    if job.by_id:
        return User.objects.get(pk=job.by_id)
    return access.CommandActor(job.by_text.removeprefix("command "))


def lock_for_control(job: Job, by: Any) -> Job:
    """The job, locked. Raises access.Denied."""
    job = lock_job(job)
    if not may_control_job(by, job):
        access.require(by, "control_jobs")
    return job


def lock_job(job: Job) -> Job:
    """Waits for the chunk that runs, which takes half a second or so, longer than a request waits
    for locks otherwise.
    """
    set_limits({"lock_timeout": "15000", "statement_timeout": "15000"})
    return Job.objects.select_for_update(of=("self",)).get(pk=job.pk)


def set_limits(limits: dict[str, str]) -> None:
    """Settings of PostgreSQL until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            parts = ", ".join(["set_config(%s, %s, true)"] * len(limits))
            cursor.execute(f"SELECT {parts}", [word for pair in limits.items() for word in pair])


def enter_state(job: Job, state: Job.State) -> None:
    """Into `state`, with the job's row locked. A worker that has it finds the attempt changed, and
    lets go.
    """
    job.state = state
    job.attempt += 1
    job.ended_at = timezone.now() if state in ENDED_STATES else None
    job.save(update_fields=["state", "attempt", "note_line", "crashes", "ended_at"])
    if state == State.QUEUED:
        Job.objects.filter(pk=job.pk).update(due_at=Now())
        enqueue_work(job)


def record_job_event(job: Job, action: str, by: Any, *, reason: str = "") -> None:
    """Records an audit event about the job as it is now."""
    after = {"kind": job.kind, "selection": job.words, "state": job.state}
    if job.has_ended:
        after |= {
            name: getattr(job, name)
            for name in ("selected", "changed", "skipped", "failed", "unchanged")
        }
    record_event(action, actor=by, after=after, reason=reason, job_id=job.pk)


def add_line(job: Job, remark: Remark) -> JobLine:
    """Adds a line to the job's log, and returns it."""
    return JobLine.objects.create(job=job, text=remark.text, **remark.columns())


def enqueue_work(job: Job) -> None:
    if job.state == State.QUEUED:
        task_queue.enqueue_task(WORK_TASK)


def refuse_too_many(by: Any) -> None:
    if (
        by.pk
        and Job.objects.filter(by=by.pk).exclude(state__in=ENDED_STATES).count() >= JOBS_PER_PERSON
    ):
        raise JobRefused(
            f"You have {JOBS_PER_PERSON} unfinished jobs. Wait until one finishes, or cancel one."
        )


def refuse_unless(job: Job, *states: Job.State, to: str) -> None:
    if job.state not in states:
        raise JobRefused(f"This job is {job.get_state_display().lower()}; it can’t {to}.")


def origin_fields() -> dict[str, Any]:
    own: Origin = current_origin.get()
    return {"ip": own.ip, "user_agent": own.user_agent, "request_id": own.request_id}
