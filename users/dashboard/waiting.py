"""Bounded counts of what waits for the viewer, with links to the lists. They are computed for each
request, because most of them depend on the viewer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from users import access, masking
from users.campaigns.message_lists import FAILED_DAYS, failed_messages
from users.database.clock import current_time
from users.directory.filter import Filter
from users.jobs.models import PENDING_STATES, Job
from users.jobs.ties import find_ties
from users.models import User, UserQuerySet
from users.staff.requests.decisions import decidable_requests

COUNT_LIMIT = 100
SUSPENSION_DAYS = 7
UNUSED_INVITATIONS = "status=invited&joined_to=-7d"
# Finding ties takes several queries for each person who started a job.
TIES_CHECKED = 5


@dataclass(frozen=True)
class WaitingItem:
    """A number of things to look at."""

    label: str
    number: int
    url: str

    @property
    def text(self) -> str:
        """The number as it is shown."""
        return f"{COUNT_LIMIT - 1}+" if self.number >= COUNT_LIMIT else str(self.number)


def waiting_items(viewer: Any) -> Iterator[WaitingItem]:
    """Yields the items that the viewer may see, those with nothing to do too."""
    if access.may(viewer, "approve_bulk"):
        yield WaitingItem(
            label="Jobs to approve",
            number=count_approvals(viewer),
            url="/jobs/?state=waiting",
        )
    if access.may(viewer, "approve_role"):
        yield WaitingItem(
            label="Role requests to decide",
            number=count_bounded(decidable_requests(viewer)),
            url="/staff/requests/",
        )
    if access.may(viewer, "view"):
        yield WaitingItem(
            label="Jobs that stopped after errors",
            number=count_bounded(stopped_jobs(viewer)),
            url="/jobs/?state=parked",
        )
        yield from account_items(viewer)


def account_items(viewer: Any) -> Iterator[WaitingItem]:
    yield WaitingItem(
        label=f"Emails that failed in the last {FAILED_DAYS} days",
        number=count_bounded(failed_messages()),
        url="/mail/failed/",
    )
    yield WaitingItem(
        label="Invitations unused for more than 7 days",
        number=count_bounded(unused_invitations(viewer)),
        url=f"/users/?{UNUSED_INVITATIONS}",
    )
    yield WaitingItem(
        label=f"Suspensions that end within {SUSPENSION_DAYS} days",
        number=count_bounded(ending_suspensions()),
        url="/waiting/suspensions/",
    )


def count_bounded(rows: QuerySet[Any]) -> int:
    """Returns the number of rows, at most COUNT_LIMIT.

    Reading so few ids takes less time than compiling a subquery.
    """
    return len(rows.order_by().values_list("pk", flat=True)[:COUNT_LIMIT])


def count_approvals(viewer: Any) -> int:
    """Returns the number of jobs that the viewer may approve: neither their own, nor those of
    people to whom they have ties.
    """
    waiting = jobs_in_state(Job.State.WAITING).exclude(by=viewer.pk)
    initiators = list(waiting.values_list("by_id", flat=True)[:COUNT_LIMIT])
    if not initiators:
        return 0
    checked = list(dict.fromkeys(initiators))[:TIES_CHECKED]
    people = UserQuerySet(User).filter(pk__in=checked)
    tied = {person.pk for person in people if find_ties(person, viewer)}
    return sum(pk not in tied for pk in initiators)


def stopped_jobs(viewer: Any) -> QuerySet[Job]:
    stopped = jobs_in_state(Job.State.PARKED)
    return stopped if access.may(viewer, "view_jobs") else stopped.filter(by=viewer.pk)


def jobs_in_state(state: Job.State) -> QuerySet[Job]:
    """Returns the jobs in a state in which they have not ended, by the index of these states."""
    return Job.objects.filter(state__in=PENDING_STATES, state=state)


def unused_invitations(viewer: Any) -> QuerySet[User]:
    """Returns the accounts of the directory's list, so that the number is that of the link.

    Whoever signs in is no longer invited, so the status suffices, for which there is an index.
    """
    masked = masking.hides_personal_data(viewer)
    return Filter.parse(QueryDict(UNUSED_INVITATIONS), masked=masked).apply()


def ending_suspensions() -> QuerySet[User]:
    """Returns the accounts by the index of such ends: only suspended accounts have one."""
    now = current_time()
    return UserQuerySet(User).filter(
        suspended_until__gt=now,
        suspended_until__lte=now + timedelta(days=SUSPENSION_DAYS),
    )
