"""The steps of a change of a job's state: lock the row, store the state, record an event, add a
line to the log, and queue a task.
"""

from collections.abc import Callable
from typing import Any

from django.db.models.functions import Now

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.database.local_settings import set_local_settings
from users.exceptions import JobRefused
from users.jobs.kinds import KINDS
from users.jobs.models import ENDED_STATES, Job, JobLine
from users.jobs.queue import task_queue
from users.jobs.remarks import Remark
from users.models import User
from users.permissions import restrict_permissions, restriction_of

WORK_TASK = "users.jobs.tasks.work_on_jobs"
# Longer than for other locks of a request: a chunk holds the lock for about half a second.
LOCK_LIMITS = {"lock_timeout": "15000", "statement_timeout": "15000"}
# Each returns whether the API token with an ID has been revoked.
TOKEN_CHECKS: list[Callable[[int], bool]] = []
COUNTS = ("selected", "changed", "skipped", "failed", "unchanged")


def lock_job(job: Job) -> Job:
    """Locks and returns the job. Waits for the end of the current chunk."""
    set_local_settings(LOCK_LIMITS)
    return Job.objects.select_for_update(of=("self",)).get(pk=job.pk)


def refuse_unless(job: Job, *states: Job.State, to: str) -> None:
    """Raises JobRefused unless the job is in one of `states`. `to`: a verb such as "be paused"."""
    if job.state not in states:
        raise JobRefused(f"This job is {job.get_state_display().lower()}; it can’t {to}.")


def enter_state(job: Job, state: Job.State) -> None:
    """Stores the state. The caller holds the lock of the job's row. The job's worker stops, because
    it finds another attempt number.
    """
    job.state = state
    job.attempt += 1
    job.ended_at = current_time() if state in ENDED_STATES else None
    job.save(update_fields=["state", "attempt", "note_line", "crashes", "ended_at"])
    if state == Job.State.QUEUED:
        Job.objects.filter(pk=job.pk).update(due_at=Now())
        enqueue_work(job)
    if state == Job.State.CANCELLED and job.kind in KINDS:
        KINDS[job.kind].cancelled(job)


def record_job_event(job: Job, action: str, by: Any, *, reason: str = "") -> None:
    """Records an audit event with the current state of the job."""
    after = {
        "kind": job.kind,
        "selection": job.words,
        "state": job.state,
    }
    if job.has_ended:
        after |= {name: getattr(job, name) for name in COUNTS}
    record_event(
        action,
        actor=by,
        after=after,
        reason=reason,
        ticket=job.ticket,
        job_id=job.pk,
    )


def add_line(job: Job, remark: Remark) -> JobLine:
    """Adds a line to the job's log and returns it."""
    return JobLine.objects.create(
        job=job,
        text=remark.text,
        **remark.columns(),
    )


def enqueue_work(job: Job) -> None:
    """Queues the task that works on jobs if this job waits for a worker."""
    if job.state == Job.State.QUEUED:
        task_queue.enqueue_task(WORK_TASK)


def job_initiator(job: Job) -> Any:
    """Returns the account that started the job, freshly loaded, or the command. The account has no
    more permissions than the token, if any, that started the job.
    """
    if job.by_id:
        return restricted_account(job, User.objects.get(pk=job.by_id))
    return access.CommandActor(job.by_text.removeprefix("command "))


def register_token_check(check: Callable[[int], bool]) -> None:
    """Adds the check of the room that has the API tokens, which comes after this one."""
    TOKEN_CHECKS.append(check)


def has_revoked_token(job: Job) -> bool:
    """Returns whether an API token started the job that has been revoked since."""
    token_id = job.token_id
    return token_id is not None and any(check(token_id) for check in TOKEN_CHECKS)


def initiator_account(job: Job) -> User | None:
    """Returns the account that started the job, as it was loaded with it; None for a command."""
    return restricted_account(job, job.by) if job.by else None


def restricted_account(job: Job, account: User) -> User:
    if job.permissions is not None and restriction_of(account) is None:
        restrict_permissions(account, job.permissions)
    return account
