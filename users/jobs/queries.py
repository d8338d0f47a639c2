"""What the pages of the jobs show: read by keyset, however many there are."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import QuerySet
from django.utils import timezone

from users import access, masking
from users.jobs.kinds import KINDS
from users.jobs.models import ENDED_STATES, OPEN_STATES, Job, JobItem, JobLine, WorkerBeat
from users.jobs.queue import task_queue
from users.models import User
from users.web.csv_injection import escape_formula

PAGE_SIZE = 50
REPORT_BATCH = 2000
LOG_LINES = 100
SILENT_AFTER = timedelta(seconds=60)
LEFT_OUT_OUTCOMES = (JobItem.Outcome.FAILED, JobItem.Outcome.SKIPPED)


def list_jobs(viewer: Any, *, state: str = "", before: int = 0) -> tuple[list[Job], bool]:
    """Newest first, and whether there are older ones: everybody's, or the viewer's own."""
    found = Job.objects.select_related("by").order_by("-pk")
    if not access.may(viewer, "view_jobs"):
        found = found.filter(by=viewer.pk)
    if state == "open":
        found = found.exclude(state__in=ENDED_STATES)
    elif state:
        found = found.filter(state=state)
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found[: PAGE_SIZE + 1])
    for job in rows:
        job.title = job_title(job)  # type: ignore[attr-defined]
    return rows[:PAGE_SIZE], len(rows) > PAGE_SIZE


def job_title(job: Job) -> str:
    """What it does; the bare name where this version knows the kind no more."""
    kind = KINDS.get(job.kind)
    return kind.title(job) if kind else job.kind


def list_items(
    job: Job, outcome: str, after: int = 0, size: int = PAGE_SIZE
) -> tuple[list[JobItem], bool]:
    """Those with an outcome, in the order of their ids, and whether there are more. An account that
    is gone is None.
    """
    found = job.items.filter(outcome=outcome, account_id__gt=after).order_by("account_id")
    rows = list(found[: size + 1])
    add_people(rows[:size])
    return rows[:size], len(rows) > size


def add_people(rows: list[JobItem]) -> None:
    """Sets `person` of each row, and the actor that its reason names, with one query."""
    ids = {row.account_id for row in rows} | {row.actor_id for row in rows}
    wanted = User.objects.only("username", "first_name", "last_name", "status")
    people = wanted.in_bulk(ids - {None})
    for row in rows:
        row.person = people.get(row.account_id)  # type: ignore[attr-defined]
        if row.actor_id in people:
            row.actor = people[row.actor_id]


def list_lines(job: Job) -> QuerySet[JobLine]:
    """Returns the newest lines of the job's log, with the actors whom they name."""
    actor = ("actor__username", "actor__status")
    lines = job.lines.select_related("actor").only("at", "code", "details", "text", *actor)
    return lines.order_by("-pk")[:LOG_LINES]


class EchoFile:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def report_lines(job: Job, *, masked: bool) -> Iterator[str]:
    """The lines of a CSV of all that were left out, a batch in memory at a time. `masked`: for
    those who may not see personal data.
    """
    shown = masking.mask_text if masked else str
    writer = csv.writer(EchoFile())
    yield writer.writerow(["account", "username", "outcome", "reason"])
    for outcome in LEFT_OUT_OUTCOMES:
        after = 0
        more = True
        while more:
            rows, more = list_items(job, outcome, after, REPORT_BATCH)
            for row in rows:
                after = row.account_id
                username = row.person.username if row.person else ""  # type: ignore[attr-defined]
                yield writer.writerow(
                    [
                        str(row.account_id),
                        escape_formula(shown(username)),
                        outcome.value,
                        escape_formula(shown(row.sentence)),
                    ]
                )


@dataclass(frozen=True)
class WorkerSilence:
    """No worker has been there `since`, or ever."""

    since: datetime | None


def worker_silence() -> WorkerSilence | None:
    """None while workers work."""
    at = WorkerBeat.objects.filter(cluster=task_queue.MAIN).values_list("at", flat=True).first()
    return None if at and timezone.now() - at < SILENT_AFTER else WorkerSilence(at)


def count_running() -> int:
    """How many jobs are at work, as of some seconds ago."""
    return (
        caches["pages"].get_or_set(
            "jobs:running", Job.objects.filter(state__in=OPEN_STATES).count, 3
        )
        or 0
    )
