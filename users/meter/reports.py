"""Reports to administrators that a person far exceeds their budget: with an event that has only
counts, and one email per person and hour.
"""

import logging
from typing import Any

from users.account_state import State, in_state
from users.administrators import administrator_condition
from users.audit.record import record_event
from users.database.clock import current_hour, current_time
from users.mail.models import Message
from users.mail.outbox import post_message
from users.meter.hour_totals import hour_rows
from users.meter.limits import UseLimit
from users.meter.models import HourlyUse
from users.models import User, UserQuerySet

logger = logging.getLogger(__name__)
EXCEEDED_ACTION = "meter.exceeded"
MAX_RECIPIENTS_OF_REPORT = 50


def report_use(account: Any, kind: str, allowed: UseLimit) -> None:
    """Records the use and queues the emails, in the caller's transaction, unless this hour has been
    reported. The rows are locked, so that one of two requests at once reports.
    """
    rows = list(hour_rows(account.pk).select_for_update().order_by("pk"))
    is_known = any(row.reported_at for row in rows)
    own = [row for row in rows if row.kind == kind]
    reported = HourlyUse.objects.filter(pk__in=[row.pk for row in own])
    reported.update(reported_at=current_time())
    # Whoever had to confirm has the limit of that moment.
    reported.filter(asked_at=None).update(limit=allowed.limit, budget=allowed.budget)
    if is_known or not own:
        return
    counts = {row.kind: row.count for row in rows}
    record_event(
        EXCEEDED_ACTION,
        actor=account,
        target=account,
        after={
            "use": kind,
            "limit": allowed.limit,
            "budget": allowed.budget,
            "hour": current_hour(),
            **counts,
        },
    )
    for colleague in report_recipients(account)[:MAX_RECIPIENTS_OF_REPORT]:
        post_message(Message.Kind.HEAVY_USE, colleague, about=account)


def passed_another_limit(account_id: int, kind: str) -> bool:
    """Returns whether the person has passed the limit of another kind in this hour."""
    others = hour_rows(account_id).exclude(kind=kind)
    return bool(others.filter(asked_at__isnull=False).exists())


def report_recipients(account: Any) -> UserQuerySet:
    """Returns the other active administrators, by ID."""
    active = UserQuerySet(User).filter(
        in_state(State.ACTIVE), administrator_condition(), is_staff=True
    )
    return active.exclude(pk=account.pk).order_by("pk")
