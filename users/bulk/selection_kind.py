"""Finds the accounts of a job: by a selection of the directory, or by what became of them in
another job.

A filter is asked in spans of ids. Small ones first, in which any plan is quick; each that holds few
accounts is followed by one twice as wide, so that a filter which few accounts meet comes soon to a
span for which the database takes its own index.
"""

import time

from django.db.models import Count, F, QuerySet, Sum
from django.http import QueryDict

from users import masking
from users.bulk.selection import SELECTION_PARAMETERS, Selection
from users.directory.filter import Filter
from users.jobs.kinds import IdWindow, JobKind
from users.jobs.models import Job, JobItem
from users.models import User, UserQuerySet

IDS_PER_ACCOUNT = 4  # ids for each account that is wanted: the width of the first span
FINGERPRINT_PRIME = 1_000_003
WINDOW_SECONDS = 1  # second of looking after which a chunk takes what it has


class SelectionKind(JobKind):
    """A kind whose job.selection is the query of a Selection, or “job=17&outcome=failed”."""

    def window(self, job: Job, size: int) -> IdWindow:
        query = QueryDict(job.selection)
        if "job" in query:
            return items_window(int(query["job"]), query["outcome"], job, size)
        return (
            ticked_window(query, job, size)
            if "ids" in query
            else filter_window(filtered_accounts(query, job.by), job, size)
        )

    def ids(self, job: Job) -> QuerySet:
        """All of them as a column `id`, in no order."""
        query = QueryDict(job.selection)
        if "job" in query:
            items = JobItem.objects.filter(
                job_id=int(query["job"]), outcome=query["outcome"], account_id__lte=job.up_to
            )
            return items.values(selected=F("account_id"))
        ticked = "ids" in query
        accounts = (
            Selection.parse(query).accounts()
            if ticked
            else filtered_accounts(query, job.by).filter(pk__lte=job.up_to)
        )
        return accounts.order_by().values(selected=F("pk"))

    def count(self, job: Job, limit: int) -> int:
        return self.ids(job)[:limit].count()

    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Sums of the ids, and of their squares modulo a prime: nobody puts together another set
        with the same by accident.
        """
        small = F("selected") % FINGERPRINT_PRIME
        sums = self.ids(job).aggregate(
            number=Count("*"), ids=Sum("selected"), squares=Sum(small * small)
        )
        return sums["number"], f"{sums['number']}-{sums['ids'] or 0}-{sums['squares'] or 0}"


def filtered_accounts(query: QueryDict, by: User | None) -> UserQuerySet:
    """The moment of the selection is not checked once more: the clock of this host may be another
    than that of the web.
    """
    rest = query.copy()
    for name in SELECTION_PARAMETERS:
        rest.pop(name, None)
    return Filter.parse(
        rest, masked="q" in rest and by is not None and masking.hides_personal_data(by)
    ).apply()


def ticked_window(query: QueryDict, job: Job, size: int) -> IdWindow:
    selection = Selection.parse(query)
    ids = [pk for pk in selection.ids if pk > job.cursor][:size]
    present = selection.accounts().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
    return IdWindow(list(present), ids[-1] if len(ids) == size else job.up_to)


def filter_window(accounts: UserQuerySet, job: Job, size: int) -> IdWindow:
    """Raises whatever the database says to the filter."""
    ids: list[int] = []
    until = job.cursor
    width = size * IDS_PER_ACCOUNT
    began = time.monotonic()
    while True:
        span = accounts.filter(pk__gt=until, pk__lte=min(until + width, job.up_to)).order_by("pk")
        found = list(span.values_list("pk", flat=True)[: size - len(ids)])
        ids += found
        until = ids[-1] if len(ids) == size else min(until + width, job.up_to)
        width *= 2
        if until >= job.up_to or len(ids) == size or time.monotonic() > began + WINDOW_SECONDS:
            return IdWindow(ids, until)


def items_window(parent: int, outcome: str, job: Job, size: int) -> IdWindow:
    items = JobItem.objects.filter(
        job_id=parent, outcome=outcome, account_id__gt=job.cursor
    ).order_by("account_id")
    ids = list(items.values_list("account_id", flat=True)[:size])
    return IdWindow(ids, ids[-1] if len(ids) == size else job.up_to)
