"""Approval of large jobs by a second person.

A job is approved for certain accounts, so a fingerprint of its selection is stored when approval is
requested. It must be the same when the job is approved and when the first chunk begins.
"""

from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction

from users import access
from users.database.local_settings import set_local_settings
from users.exceptions import JobRefused
from users.jobs.kinds import KINDS, JobKind
from users.jobs.models import Job
from users.jobs.remarks import SELECTION_CHANGED, Remark, remark_by
from users.jobs.transitions import (
    add_line,
    enter_state,
    lock_job,
    record_job_event,
    refuse_unless,
)

OWN_JOB = "You can’t approve your own job. Ask a colleague."
FINGERPRINT_LIMITS = {"statement_timeout": "20000", "enable_seqscan": "on"}
State = Job.State


def needs_approval(job: Job) -> bool:
    """Returns whether a second person has to approve the job, which is not stored yet. The number
    that the caller expects can make approval necessary, but never unnecessary.
    """
    kind = KINDS[job.kind]
    expected = job.expected or 0
    recent = kind.recent_count(job)
    allowed = approval_threshold(kind) - recent
    if kind.approval_rule != "above" or expected > allowed:
        return needs_second_person(kind, expected + recent)
    # IDs begin at 1, so there are no more accounts than the highest ID.
    if 0 < job.up_to <= allowed:
        return False
    try:
        with transaction.atomic():
            return kind.count(job, allowed + 1) > allowed
    except OperationalError:
        # The count ran into the statement timeout.
        return True


def needs_second_person(kind: JobKind, number: int) -> bool:
    """Returns whether a job of this kind over `number` accounts needs a second person."""
    if kind.approval_rule == "above":
        return number > approval_threshold(kind)
    return kind.approval_rule == "always"


def approval_threshold(kind: JobKind) -> int:
    """Returns the highest number of accounts for which this kind needs no approval."""
    return int(settings.BULK_APPROVAL_ABOVE_FOR.get(kind.name, settings.BULK_APPROVAL_ABOVE))


def freeze_selection(job: Job) -> None:
    """Sets `expected` and `frozen` for the accounts that are selected now. Raises JobRefused."""
    try:
        with transaction.atomic():
            set_local_settings(FINGERPRINT_LIMITS)
            job.expected, job.frozen = KINDS[job.kind].fingerprint(job)
    except OperationalError as error:
        raise JobRefused("Finding these accounts takes too long. Select fewer accounts.") from error


def approve_job(job: Job, *, by: Any) -> Job:
    """Queues a job that waits for approval, or cancels it if its selection has other accounts than
    when approval was requested. Raises access.Denied or JobRefused.
    """
    with transaction.atomic():
        job = lock_for_decision(job, by, "be approved")
        current = Job(
            kind=job.kind, by=job.by, selection=job.selection, up_to=job.up_to, as_of=job.as_of
        )
        freeze_selection(current)
        if current.frozen != job.frozen:
            details = {"then": job.expected, "now": current.expected}
            job.note_line = add_line(job, Remark("selection_differs", details=details))
            enter_state(job, State.CANCELLED)
            record_job_event(job, "job.cancelled", by)
        else:
            enter_state(job, State.QUEUED)
            record_job_event(job, "job.approved", by)
            add_line(job, remark_by(by, "approved"))
    return job


def decline_job(job: Job, *, by: Any, reason: str = "") -> Job:
    """Cancels a job that waits for approval. Raises access.Denied or JobRefused."""
    with transaction.atomic():
        job = lock_for_decision(job, by, "be declined")
        job.note_line = add_line(job, remark_by(by, "declined", reason))
        enter_state(job, State.CANCELLED)
        record_job_event(job, "job.declined", by, reason=reason)
    return job


def lock_for_decision(job: Job, by: Any, to: str) -> Job:
    """Locks and returns the job. Raises access.Denied or JobRefused unless `by`, who must not be
    its initiator, may decide about it.
    """
    access.require(by, "approve_bulk")
    job = lock_job(job)
    if by.pk is not None and by.pk == job.by_id:
        raise access.Denied("approve_bulk", OWN_JOB)
    refuse_unless(job, State.WAITING, to=to)
    return job


def require_unchanged(job: Job) -> None:
    """Raises JobRefused if the job was approved for other accounts than those it would change now.
    Called before the first chunk.
    """
    if job.frozen and KINDS[job.kind].fingerprint(job)[1] != job.frozen:
        raise JobRefused(SELECTION_CHANGED)
