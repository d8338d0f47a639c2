"""Which jobs can be undone, for how long, and the links on a job's page."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from users import access
from users.jobs.kinds import KINDS, JobLink
from users.jobs.models import Job

UNDO_KINDS: dict[str, str] = {}  # kind of a job → the kind that takes it back


def undo_refusal(job: Job) -> str:
    """Why this job can't be taken back, in a sentence; "" where it can."""
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
    if other := undo_jobs.exclude(state=Job.State.CANCELLED).first():
        doing = "has already undone" if other.has_ended else "is already undoing"
        return f"Job {other.pk} {doing} this job."
    return ""


def bulk_job_links(job: Job, viewer: Any) -> list[JobLink]:
    """Returns the links of a bulk job's page beside those of every job: approval and undo."""
    found = []
    if (
        job.state == Job.State.WAITING
        and viewer.pk != job.by_id
        and access.may(viewer, "approve_bulk")
    ):
        found.append(JobLink(f"/jobs/{job.pk}/approval/", "Approve or decline", "check"))
    if (
        job.has_ended
        and not undo_refusal(job)
        and access.may(viewer, KINDS[UNDO_KINDS[job.kind]].action)
    ):
        found.append(JobLink(f"/jobs/{job.pk}/undo/", "Undo", "undo"))
    return found


def is_undo_expired(job: Job) -> bool:
    return job.forgotten_at is not None or (job.ended_at or timezone.now()) < oldest_undoable()


def undo_deadline(job: Job) -> datetime | None:
    """How long it can be taken back."""
    return job.ended_at + timedelta(days=settings.BULK_UNDO_DAYS) if job.ended_at else None


def oldest_undoable() -> datetime:
    return timezone.now() - timedelta(days=settings.BULK_UNDO_DAYS)
