"""Queries for the pages of the jobs. Lists are paged by id."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from users import access, masking
from users.fields import NO_VALUE
from users.jobs.kinds import KINDS
from users.jobs.models import ENDED_STATES, OPEN_STATES, Job, JobItem, JobLine, WorkerBeat
from users.jobs.queue import task_queue
from users.models import User
from users.web.csv_text import BYTE_ORDER_MARK, LINE_WRITER, escape_formula
from users.web.paging import IdPage, newest_page

PAGE_SIZE = 50
REPORT_BATCH = 2000
# Times in reasons are in UTC, since a file has many readers.
REPORT_HEADER = ["account", "username", "outcome", "reason (UTC)"]
LOG_LINES = 100
OUTAGE_AFTER = timedelta(seconds=60)
RUNNING_KEY = "jobs:running"
RUNNING_SECONDS = 3
Outcome = JobItem.Outcome
COUNTS_SHOWN = (
    "changed",
    "unchanged",
    "skipped",
    "failed",
)
LEFT_OUT = (Outcome.FAILED, Outcome.SKIPPED)
# The fields of the accounts that a job lists.
PERSON_FIELDS = (
    "username",
    "first_name",
    "last_name",
    "status",
    "suspended_until",
    "valid_until",
)


def list_jobs(viewer: Any, *, state: str = "", before: int = 0) -> IdPage[Job]:
    """Returns a page of the jobs that `viewer` may see, newest first. `before`: only older ones."""
    found = Job.objects.all()
    if not access.may(viewer, "view_jobs"):
        found = found.filter(by=viewer.pk)
    if state == "open":
        found = found.exclude(state__in=ENDED_STATES)
    elif state:
        found = found.filter(state=state)
    page = newest_page(found, PAGE_SIZE, before)
    undo_jobs = find_undo_jobs(page.rows)
    for job in page.rows:
        job.title = job_title(job)  # type: ignore[attr-defined]
        job.undone_by = undo_jobs.get(job.pk)  # type: ignore[attr-defined]
        job.result = result_words(job)  # type: ignore[attr-defined]
    return page


def find_undo_jobs(jobs: list[Job]) -> dict[int, Job]:
    """Returns the finished undo of each job by the job's id, with `is_partial` if it has not
    restored all accounts. An undo that was itself undone does not count.
    """
    done = Job.objects.filter(state=Job.State.DONE, changed__gt=0)
    # A retry also has a parent, but is of the same kind.
    undone_since = done.filter(parent=OuterRef("pk")).exclude(kind=OuterRef("kind"))
    changed = {job.pk: job.changed for job in jobs}
    kinds = {job.pk: job.kind for job in jobs}
    found: dict[int, Job] = {}
    undo_jobs = done.filter(
        ~Exists(undone_since),
        parent__in=changed,
    )
    for undo in undo_jobs.order_by("pk"):
        pk = undo.parent_id or 0
        if undo.kind != kinds[pk]:
            undo.is_partial = undo.changed < changed[pk]  # type: ignore[attr-defined]
            found[pk] = undo
    return found


def job_title(job: Job) -> str:
    """Returns the title of a job; the name of its kind if this version does not know the kind."""
    kind = KINDS.get(job.kind)
    return kind.title(job) if kind else job.kind


def shown_counts(job: Job) -> list[tuple[str, str, int]]:
    """Returns name, label and number of each count that the job's kind has."""
    labels = KINDS[job.kind].count_labels() if job.kind in KINDS else {}
    named = {name: labels.get(name, name.capitalize()) for name in COUNTS_SHOWN}
    return [(name, label, getattr(job, name)) for name, label in named.items() if label]


def result_words(job: Job) -> str:
    """Returns "366 changed, 1 failed"; "40 of 100" while the job has not finished."""
    if not job.has_ended and job.expected:
        return f"{job.selected:,} of {job.expected:,}"
    counts = [f"{number:,} {label.lower()}" for _, label, number in shown_counts(job) if number]
    return ", ".join(counts) or NO_VALUE


def list_items(job: Job, outcome: str, after: int = 0, size: int = PAGE_SIZE) -> IdPage[JobItem]:
    """Returns a page of the items with an outcome, by ascending account id. `after`: only higher
    ids. Each item gets a `person`: its account, or None if that no longer exists.
    """
    found = job.items.filter(outcome=outcome, account_id__gt=after).order_by("account_id")
    page = IdPage.cut(list(found[: size + 1]), size, after)
    add_item_people(page.rows)
    return page


def add_item_people(rows: list[JobItem]) -> None:
    """Sets `person` of each row and the actor of its reason, with one query."""
    ids = {pk for row in rows for pk in (row.account_id, row.actor_id)}
    wanted = User.objects.only(*PERSON_FIELDS)
    people = wanted.in_bulk(ids - {None})
    for row in rows:
        row.person = people.get(row.account_id)  # type: ignore[attr-defined]
        if row.actor_id in people:
            row.actor = people[row.actor_id]


def list_lines(job: Job) -> QuerySet[JobLine]:
    """Returns the newest lines of the job's log with their actors."""
    actor = ("actor__username", "actor__status")
    lines = job.lines.select_related("actor").only("at", "code", "details", "text", *actor)
    return lines.order_by("-pk")[:LOG_LINES]


def report_lines(job: Job, outcomes: Iterable[str], *, masked: bool) -> Iterator[str]:
    """Yields the lines of a CSV of all accounts with these outcomes, with one batch in memory at a
    time. `masked`: for viewers who may not see personal data.
    """
    yield BYTE_ORDER_MARK + LINE_WRITER.writerow(REPORT_HEADER)
    for outcome in outcomes:
        for item in iterate_items(job, outcome):
            yield LINE_WRITER.writerow(report_cells(item, masked=masked))


def iterate_items(job: Job, outcome: str) -> Iterator[JobItem]:
    """Yields every item with the outcome."""
    page = list_items(job, outcome, size=REPORT_BATCH)
    yield from page.rows
    while page.has_next:
        page = list_items(job, outcome, after=page.rows[-1].account_id, size=REPORT_BATCH)
        yield from page.rows


def report_cells(item: JobItem, *, masked: bool) -> list[str]:
    shown = masking.mask_text if masked else str
    with timezone.override(UTC):
        sentence = item.sentence
    username = item.person.username if item.person else ""  # type: ignore[attr-defined]
    return [
        str(item.account_id),
        escape_formula(shown(username)),
        str(item.outcome),
        escape_formula(shown(sentence)),
    ]


@dataclass(frozen=True)
class WorkerOutage:
    """The workers have run no task after `since`; None if they have never run one."""

    since: datetime | None


def worker_outage() -> WorkerOutage | None:
    """Returns since when no worker has run a task; None while workers run."""
    beats = WorkerBeat.objects.filter(cluster=task_queue.MAIN)
    # By the database's clock, since hosts' clocks differ.
    last, now = beats.values_list("at", Now()).first() or (None, None)
    if last and now - last < OUTAGE_AFTER:
        return None
    return WorkerOutage(last)


def count_running() -> int:
    """Returns the number of queued and running jobs. It may be some seconds old."""
    running = Job.objects.filter(state__in=OPEN_STATES)
    return caches["pages"].get_or_set(RUNNING_KEY, running.count, RUNNING_SECONDS) or 0
