"""For how long the results of a job are stored for each account."""

from datetime import datetime, timedelta

from django.conf import settings

from users.database.clock import current_time
from users.jobs.kinds import listed_outcomes
from users.jobs.models import Job


def results_kept_since() -> datetime | None:
    """Returns the time since which a job must have ended to keep its results; None: all keep them.

    An undo needs the results too.
    """
    if not settings.JOB_ITEM_DAYS:
        return None
    days = max(settings.JOB_ITEM_DAYS, settings.BULK_UNDO_DAYS)
    return current_time() - timedelta(days=days)


def has_expired_results(job: Job) -> bool:
    """Returns whether the job had results that were removed, or will be soon. Its counts stay."""
    numbers = [getattr(job, outcome) for outcome in listed_outcomes(job)]
    if not job.has_ended or not any(numbers):
        return False
    since = results_kept_since()
    is_old = bool(since and job.ended_at and job.ended_at < since)
    return is_old or not job.items.exists()
