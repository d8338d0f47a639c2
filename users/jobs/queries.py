"""Queries for the pages of the jobs. Lists are paged by keyset, however long they are."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import QuerySet
from django.db.models.functions import Now

from users import access, masking
from users.jobs.kinds import KINDS
from users.jobs.models import ENDED_STATES, OPEN_STATES, Job, JobItem, JobLine, WorkerBeat
from users.jobs.queue import task_queue
from users.models import User
from users.web.csv_injection import escape_formula

PAGE_SIZE = 50
REPORT_BATCH = 2000
REPORT_HEADER = ["account", "username", "outcome", "reason"]
LOG_LINES = 100
SILENT_AFTER = timedelta(seconds=60)
RUNNING_KEY = "jobs:running"
RUNNING_SECONDS = 3
LEFT_OUT_OUTCOMES = (JobItem.Outcome.FAILED, JobItem.Outcome.SKIPPED)


def list_jobs(viewer: Any, *, state: str = "", before: int = 0) -> tuple[list[Job], bool]:
    """Returns the jobs that `viewer` may see, newest first, and True if there are older ones."""
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
    """Returns the title of a job; the bare name of a kind that this version does not know."""
    kind = KINDS.get(job.kind)
    return kind.title(job) if kind else job.kind


def list_items(
    job: Job, outcome: str, after: int = 0, size: int = PAGE_SIZE
) -> tuple[list[JobItem], bool]:
    """Returns the items with an outcome in the order of their ids, and True if there are more. Each
    has a `person`: its account, or None if that is gone.
    """
    found = job.items.filter(outcome=outcome, account_id__gt=after).order_by("account_id")
    rows = list(found[: size + 1])
    add_item_people(rows[:size])
    return rows[:size], len(rows) > size


def add_item_people(rows: list[JobItem]) -> None:
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
    """A file whose `write` returns the text, so that a CSV writer makes lines for a stream."""

    def write(self, text: str) -> str:
        return text


def report_lines(job: Job, *, masked: bool) -> Iterator[str]:
    """Yields a CSV of all failed and skipped accounts, with one batch in memory at a time.
    `masked`: for viewers who may not see personal data.
    """
    writer = csv.writer(EchoFile())
    yield writer.writerow(REPORT_HEADER)
    for outcome in LEFT_OUT_OUTCOMES:
        for item in iterate_items(job, outcome):
            yield writer.writerow(report_cells(item, masked=masked))


def iterate_items(job: Job, outcome: str) -> Iterator[JobItem]:
    """Yields every item with the outcome."""
    after = 0
    more = True
    while more:
        rows, more = list_items(job, outcome, after, REPORT_BATCH)
        yield from rows
        after = rows[-1].account_id if rows else after


def report_cells(item: JobItem, *, masked: bool) -> list[str]:
    shown = masking.mask_text if masked else str
    username = item.person.username if item.person else ""  # type: ignore[attr-defined]
    return [
        str(item.account_id),
        escape_formula(shown(username)),
        str(item.outcome),
        escape_formula(shown(item.sentence)),
    ]


@dataclass(frozen=True)
class WorkerSilence:
    """No worker has run a task after `since`; None if none ever has."""

    since: datetime | None


def worker_silence() -> WorkerSilence | None:
    """Returns None while workers run."""
    beats = WorkerBeat.objects.filter(cluster=task_queue.MAIN)
    # By the database's clock, since hosts' clocks differ.
    at, now = beats.values_list("at", Now()).first() or (None, None)
    return None if at and now - at < SILENT_AFTER else WorkerSilence(at)


def count_running() -> int:
    """Returns the number of queued and running jobs, some seconds old."""
    running = Job.objects.filter(state__in=OPEN_STATES)
    return caches["pages"].get_or_set(RUNNING_KEY, running.count, RUNNING_SECONDS) or 0
