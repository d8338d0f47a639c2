"""Finds the accounts of a job: those of a selection, or those with a certain outcome in another
job.

The accounts that match a filter are read in spans of ids. The first span is small, so that any
query plan is fast. After each span without enough matches the next is twice as wide, so that a
filter with few matches soon gets a span for which the database uses the index of the filter.
"""

import time
from typing import Any

from django.db.models import F, QuerySet
from django.http import QueryDict

from users import masking
from users.bulk.selection import Selection, filter_parameters
from users.database.id_digest import digest_ids
from users.directory.days import add_utc_to_days
from users.directory.filter import BadFilter, Filter
from users.identifiers import LARGEST_ID
from users.jobs.kinds import IdWindow, JobKind
from users.jobs.models import Job, JobItem
from users.jobs.transitions import initiator_account
from users.models import User, UserQuerySet

# Ids in the first span for each account that is wanted.
IDS_PER_ACCOUNT = 4
# After this time a chunk takes the accounts found so far.
WINDOW_SECONDS = 1


class SelectionKind(JobKind):
    """A kind of job whose `selection` is the query of a Selection, or "job=17&outcome=failed"."""

    def accounts_url(self, job: Job, viewer: Any) -> str:
        query = QueryDict(job.selection)
        if "job" in query:
            return f"/jobs/{query['job']}/?outcome={query['outcome']}#accounts"
        if "ids" not in query and masking.hides_personal_data(viewer):
            # The filter may hold an address that is masked for this viewer.
            return ""
        initiator = initiator_account(job)
        if "q" in query and initiator and masking.hides_personal_data(initiator):
            # The job searched what its initiator may see, which the link would not.
            return ""
        try:
            return Selection.parse(add_utc_to_days(query), viewer_id=viewer.pk).url
        except BadFilter:
            # Someone else's pasted list, or a filter of an earlier version of Rollcall.
            return ""

    def window(self, job: Job, size: int) -> IdWindow:
        query = QueryDict(job.selection)
        if "job" in query:
            items = selected_items(int(query["job"]), query["outcome"])
            return items_window(items, job, size)
        if "ids" in query:
            return ticked_window(query, job, size)
        return filter_window(filtered_accounts(query, initiator_account(job)), job, size)

    def selected_ids(self, job: Job) -> QuerySet:
        """Returns the ids of all accounts of the job as the column `selected`, unordered."""
        query = QueryDict(job.selection)
        if "job" in query:
            items = selected_items(int(query["job"]), query["outcome"])
            return items.filter(account_id__lte=job.up_to).values(selected=F("account_id"))
        if "ids" in query:
            accounts = Selection.parse(query).accounts()
        else:
            accounts = filtered_accounts(query, initiator_account(job)).filter(pk__lte=job.up_to)
        return accounts.order_by().values(selected=F("pk"))

    def count(self, job: Job, limit: int) -> int:
        return self.selected_ids(job)[:limit].count()

    def fingerprint(self, job: Job) -> tuple[int, str]:
        """Returns the number of accounts and a digest of their ids in order: nobody can find
        another set with the same.
        """
        return digest_ids(self.selected_ids(job), "selected")


def filtered_accounts(query: QueryDict, by: User | None) -> UserQuerySet:
    """Returns the accounts that match the filter in a selection's query. `at` is not validated
    again, because the clock of this host may differ from that of the web server.
    """
    parameters = add_utc_to_days(filter_parameters(query))
    masked = "q" in parameters and by is not None and masking.hides_personal_data(by)
    return Filter.parse(parameters, masked=masked, viewer_id=by.pk if by else None).apply()


def selected_items(job_id: int, outcome: str) -> QuerySet[JobItem]:
    """Returns the items of another job that have the outcome."""
    return JobItem.objects.filter(job_id=job_id, outcome=outcome)


def items_window(items: QuerySet[JobItem], job: Job, size: int) -> IdWindow:
    later = items.filter(account_id__gt=job.cursor).order_by("account_id")
    ids = list(later.values_list("account_id", flat=True)[:size])
    return IdWindow(ids, until=ids[-1] if len(ids) == size else job.up_to)


def ticked_window(query: QueryDict, job: Job, size: int) -> IdWindow:
    selection = Selection.parse(query)
    ids = [pk for pk in selection.ids if pk > job.cursor][:size]
    existing = selection.accounts().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
    return IdWindow(list(existing), until=ids[-1] if len(ids) == size else job.up_to)


def filter_window(rows: QuerySet, job: Job, size: int, widest: int = LARGEST_ID) -> IdWindow:
    """Reads span after span until there are `size` ids, all are read, or WINDOW_SECONDS are over.
    Database errors are not caught. `widest`: the ids in a span, for filters without an index.
    """
    ids: list[int] = []
    until = job.cursor
    width = size * IDS_PER_ACCOUNT
    started = time.monotonic()
    while True:
        span_end = min(until + width, job.up_to)
        span = rows.filter(pk__gt=until, pk__lte=span_end).order_by("pk")
        ids += span.values_list("pk", flat=True)[: size - len(ids)]
        is_full = len(ids) == size
        until = ids[-1] if is_full else span_end
        width = min(width * 2, widest)
        is_late = time.monotonic() > started + WINDOW_SECONDS
        if is_full or is_late or until >= job.up_to:
            return IdWindow(ids, until)
