"""Counts of accounts by state.

The stored statuses are counted once, when the rollup begins or is rebuilt. From then on events
advance them: a change from one status to another takes 1 from the first and adds 1 to the second,
in whatever order the events are counted.
"""

from collections import Counter
from datetime import datetime

from django.db.models import Case, Count, F, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform

from users.account_state import STATUSES
from users.audit.models import AuditEvent
from users.dashboard.models import StateCount
from users.models import State, User, UserQuerySet, in_state

# Of an accepted invitation, events record the new status only.
ACCEPTED = "account.invitation_accepted"
HAS_STATUS = Q(before__has_key="status") | Q(after__has_key="status")


def uncounted_events(position: int) -> QuerySet[AuditEvent]:
    """Returns the events behind a position of the chain, and those that are not sealed yet."""
    return AuditEvent.objects.filter(
        Q(chain_position__isnull=True) | Q(chain_position__gt=position)
    )


def status_changes(events: QuerySet[AuditEvent]) -> QuerySet:
    """Returns the events that record a status, with the statuses before and after as `old` and
    `new`. The status is null in an event without it, and in one whose values were erased.
    """
    before = KeyTextTransform("status", "before")
    was_invited = When(
        action=ACCEPTED,
        new__isnull=False,
        then=Value(State.INVITED.value),
    )
    return (
        events.filter(HAS_STATUS)
        .order_by()
        .annotate(new=KeyTextTransform("status", "after"))
        .annotate(old=Case(was_invited, default=before, output_field=TextField()))
    )


def add_status_changes(events: QuerySet[AuditEvent]) -> None:
    """Advances the stored counts by the status changes of `events`."""
    rows = status_changes(events).values_list("old", "new").annotate(number=Count("pk"))
    changes: Counter[str] = Counter()
    for old, new, number in rows:
        changes[old] -= number
        changes[new] += number
    for status, _ in STATUSES:
        if changes[status]:
            row = StateCount.objects.filter(pk=status)
            row.update(stored=F("stored") + changes[status])


def count_statuses(position: int) -> None:
    """Counts the accounts by stored status as of `position`.

    One statement, hence one snapshot, reads the accounts and the events that are to be counted
    later, whose changes it takes back.
    """
    accounts = UserQuerySet(User).order_by().values_list("status")
    changes = status_changes(uncounted_events(position))
    old = changes.values_list("old").annotate(number=Count("pk"))
    new = changes.values_list("new").annotate(number=Sum(Value(-1)))
    rows = accounts.annotate(number=Count("pk")).union(old, new, all=True)
    stored: Counter[str] = Counter()
    for status, number in rows:
        stored[status] += number
    StateCount.objects.all().delete()
    counts = [StateCount(state=state, stored=stored[state]) for state in State.values]
    StateCount.objects.bulk_create(counts)


def refresh_state_counts(now: datetime) -> None:
    """Stores the counts by state at `now`: suspensions and end dates expire without an event.

    Reads the partial indexes of accounts with such dates.
    """
    stored = dict(StateCount.objects.values_list("state", "stored"))
    accounts = UserQuerySet(User)
    # Only suspended accounts have such a date.
    lapsed = accounts.filter(suspended_until__lte=now).count()
    ended = accounts.filter(in_state(State.ENDED, now)).count()
    shown = stored | {
        State.SUSPENDED: stored[State.SUSPENDED] - lapsed,
        State.ACTIVE: stored[State.ACTIVE] + lapsed - ended,
        State.ENDED: ended,
    }
    rows = [StateCount(state=state, shown=max(shown[state], 0)) for state in State.values]
    StateCount.objects.bulk_update(rows, ["shown"])
