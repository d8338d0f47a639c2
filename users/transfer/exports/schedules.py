"""Scheduled exports: the filter of a saved view, exported regularly in the name of its
owner.

Each run is a job like any other: with the owner's permissions at that time, the limits of exports,
and a file that only the owner can download.
"""

import logging
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from users import access, masking
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.bulk.selection import Selection
from users.database.clock import current_time
from users.directory.days import STORED_WORDS_ZONE
from users.directory.filter import BadFilter, Filter
from users.directory.models import SavedView
from users.directory.saved_searches import saved_filter, visible_searches
from users.exceptions import JobRefused
from users.jobs import engine
from users.jobs.models import Job
from users.models import User
from users.transfer.exports.action import ExportAccounts
from users.transfer.models import ExportSchedule

logger = logging.getLogger(__name__)

SCHEDULES_PER_OWNER = 20
# Schedules that one run of the task starts.
STARTED_AT_ONCE = 20
# A change has the time of its statement, and is visible once its transaction commits. So a file
# also has the changes of this long before the previous one.
OVERLAP = timedelta(minutes=10)
TOO_MANY = f"You already have {SCHEDULES_PER_OWNER} scheduled exports. End one you don’t need."
VIEW_GONE = "You may no longer see the saved view, or its filter is no longer valid."
FAILED = "An error occurred. The next run includes what this one would have had."
Interval = ExportSchedule.Interval


def own_schedules(viewer: Any) -> QuerySet[ExportSchedule]:
    """Returns the viewer's schedules, newest first."""
    own = ExportSchedule.objects.filter(owner=viewer.pk)
    return own.select_related("view", "last_job").order_by("-pk")


def get_schedule(viewer: Any, pk: int) -> ExportSchedule:
    """Returns the viewer's own schedule. Raises Http404 for others."""
    return get_object_or_404(own_schedules(viewer), pk=pk)


def create_schedule(
    *,
    by: User,
    view: SavedView | None,
    parameters: dict[str, Any],
    interval: str,
    changes_only: bool,
    reason: str,
    ticket: str = "",
) -> ExportSchedule:
    """Creates a schedule, whose first run is due at once. Raises access.Denied, ValidationError."""
    access.require(by, "export")
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=by.pk)
        if own_schedules(by).count() >= SCHEDULES_PER_OWNER:
            raise ValidationError(TOO_MANY)
        schedule = ExportSchedule.objects.create(
            owner=by,
            view=view,
            parameters=parameters,
            interval=interval,
            changes_only=changes_only,
            reason=reason,
            ticket=ticket,
        )
        record_event(
            "export.scheduled",
            actor=by,
            after=schedule_values(schedule),
            reason=reason,
            ticket=ticket,
        )
    return schedule


def end_schedule(schedule: ExportSchedule, *, by: User) -> None:
    """Deletes a schedule. Its files stay until they expire."""
    with transaction.atomic():
        found = ExportSchedule.objects.select_for_update(of=("self",)).filter(pk=schedule.pk)
        if current := found.first():
            record_event("export.schedule_ended", actor=by, before=schedule_values(current))
            current.delete()


def schedule_values(schedule: ExportSchedule) -> dict[str, Any]:
    """Returns what events record of a schedule."""
    return {
        "schedule": schedule.pk,
        "view": schedule.view_id,
        "columns": schedule.parameters["columns"],
        "interval": schedule.interval,
        "changes_only": schedule.changes_only,
    }


def start_due_exports() -> int:
    """Starts the exports that are due and returns the number of started jobs. A run that several
    workers begin at the same time is one job.
    """
    started = 0
    due = ExportSchedule.objects.filter(stopped_at=None, next_at__lte=current_time())
    for pk in list(due.order_by("next_at").values_list("pk", flat=True)[:STARTED_AT_ONCE]):
        with transaction.atomic():
            skip = connection.features.has_select_for_update_skip_locked
            locked = due.select_for_update(of=("self",), skip_locked=skip).filter(pk=pk)
            schedule = locked.first()
            if schedule is not None:
                started += run_schedule(schedule)
    return started


def run_schedule(schedule: ExportSchedule) -> bool:
    """Starts the export of a locked schedule and stores when the next one is due. Returns False,
    and stores why, if it cannot be started.
    """
    schedule.problem = ""
    try:
        with transaction.atomic():
            update_coverage(schedule)
            schedule.last_job = start_export(schedule, User.objects.get(pk=schedule.owner_id))
        schedule.runs += 1
    except JobRefused as refused:
        # The next run includes what this one would have had.
        schedule.problem = str(refused)
    except access.Denied as denied:
        stop_schedule(schedule, denied.reason)
    except BadFilter:
        stop_schedule(schedule, VIEW_GONE)
    except Exception:
        # The other schedules still start, and this one at its next time.
        logger.exception("Scheduled export %s failed", schedule.pk)
        schedule.problem = FAILED
    schedule.next_at = next_run(schedule, current_time())
    schedule.save()
    return not schedule.problem


def update_coverage(schedule: ExportSchedule) -> None:
    """Stores up to when the files have all changes: a job that was declined or cancelled has left
    no file. Raises JobRefused while the last job has not ended.
    """
    last = schedule.last_job
    if last is None:
        return
    if not last.has_ended:
        raise JobRefused(f"Job {last.pk} has not finished yet.")
    if last.state == Job.State.DONE:
        schedule.covered_until = last.as_of


def stop_schedule(schedule: ExportSchedule, problem: str) -> None:
    """Stops a schedule that cannot work until someone fixes its cause."""
    schedule.problem = problem
    schedule.stopped_at = current_time()
    record_event(
        "export.schedule_stopped",
        actor=SystemActor(),
        before=schedule_values(schedule),
        reason=problem,
    )


def start_export(schedule: ExportSchedule, owner: User) -> Job:
    """Starts the job of one run. Raises access.Denied, BadFilter or JobRefused."""
    access.require(owner, "view")
    selection = Selection.now(scheduled_filter(schedule, owner))
    parameters = dict(schedule.parameters)
    with timezone.override(STORED_WORDS_ZONE):
        words = selection.words
    if schedule.changes_only and schedule.covered_until:
        since = schedule.covered_until - OVERLAP
        parameters["changed_since"] = since.isoformat()
        words = f"{words}, changed since {since.day} {since:%b %Y, %H:%M} UTC"
    return engine.start_job(
        ExportAccounts.name,
        by=owner,
        selection=selection.query,
        words=words,
        up_to=selection.up_to,
        as_of=selection.at,
        reason=schedule.reason,
        ticket=schedule.ticket,
        parameters=parameters,
        key=f"export-schedule-{schedule.pk}-{schedule.runs}",
    )


def scheduled_filter(schedule: ExportSchedule, owner: User) -> Filter:
    """Returns the filter of a schedule. Raises BadFilter if its owner may not use it."""
    view = schedule.view
    if view is None:
        return Filter(masked=masking.hides_personal_data(owner))
    if not visible_searches(owner).filter(pk=view.pk).exists():
        raise BadFilter("view", VIEW_GONE)
    return saved_filter(view, owner)


def next_run(schedule: ExportSchedule, now: datetime) -> datetime:
    """Returns the first moment after `now` that is a number of intervals after the run that was
    due. Missed runs are skipped.
    """
    moment = schedule.next_at
    while moment <= now:
        moment = add_interval(moment, schedule.interval, schedule.created_at.day)
    return moment


def add_interval(moment: datetime, interval: str, day: int) -> datetime:
    """Returns the moment one interval later. A month later is this day of the next month, or its
    last one.
    """
    if interval == Interval.DAY:
        return moment + timedelta(days=1)
    if interval == Interval.WEEK:
        return moment + timedelta(weeks=1)
    first = (moment.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_day = monthrange(first.year, first.month)[1]
    return first.replace(day=min(day, last_day))
