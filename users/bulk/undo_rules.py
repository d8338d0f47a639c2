"""Which jobs can be undone and for how long, and the links on the page of a bulk job."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from users import access
from users.database.clock import current_time
from users.jobs.kinds import KINDS, JobLink
from users.jobs.models import Job

# The kind of a job → the kind of its undo.
UNDO_KINDS: dict[str, str] = {}


def undo_refusal(job: Job) -> str:
    """Returns why the job can't be undone, as a sentence; "" if it can."""
    if job.kind not in UNDO_KINDS:
        return "This job can’t be undone."
    if not job.has_ended:
        return "This job has not finished. Wait for it, or cancel it first."
    if not job.changed:
        return "This job changed nothing."
    if is_undo_expired(job):
        return (
            f"This job finished more than {settings.BULK_UNDO_DAYS} days ago. "
            "The previous state of the accounts is no longer kept."
        )
    undo_jobs = job.children.filter(kind=UNDO_KINDS[job.kind])
    other = undo_jobs.exclude(state=Job.State.CANCELLED).first()
    if other:
        progress = "has already undone" if other.has_ended else "is already undoing"
        return f"Job {other.pk} {progress} this job."
    return ""


def bulk_job_links(job: Job, viewer: Any) -> list[JobLink]:
    """Returns the links that only bulk jobs have: to the approval and to the undo."""
    links = []
    if may_approve(job, viewer):
        links.append(JobLink(f"/jobs/{job.pk}/approval/", "Approve or decline", "check"))
    if may_undo(job, viewer):
        links.append(JobLink(f"/jobs/{job.pk}/undo/", "Undo", "undo"))
    return links


def may_approve(job: Job, viewer: Any) -> bool:
    is_undecided = job.state == Job.State.WAITING and viewer.pk != job.by_id
    return is_undecided and access.may(viewer, "approve_bulk")


def may_undo(job: Job, viewer: Any) -> bool:
    if not job.has_ended or undo_refusal(job):
        return False
    return access.may(viewer, KINDS[UNDO_KINDS[job.kind]].action)


def is_undo_expired(job: Job) -> bool:
    return job.forgotten_at is not None or (job.ended_at or current_time()) < oldest_undoable()


def undo_deadline(job: Job) -> datetime | None:
    """Returns the time until which the job can be undone; None while it has not ended."""
    return job.ended_at + timedelta(days=settings.BULK_UNDO_DAYS) if job.ended_at else None


def oldest_undoable() -> datetime:
    """Returns the earliest end of a job that can be undone now."""
    return current_time() - timedelta(days=settings.BULK_UNDO_DAYS)
